import { describe, expect, test } from 'vitest'
import { testApi } from './support.ts'

const text = (body: object) => Object.values(body)[0]

describe('versions', () => {
  test('are told without a token', async () => {
    const { app } = await testApi()
    const version = {
      id: 'v1.0',
      status: 'CURRENT',
      updated: '2012-08-01T00:00:00Z',
      links: [{ rel: 'self', href: 'http://127.0.0.1:8779/v1.0/' }],
    }
    const headers = { host: '127.0.0.1:8779' }
    expect((await app.inject({ url: '/', headers })).json()).toEqual({ versions: [version] })
    expect((await app.inject({ url: '/v1.0/', headers })).json()).toEqual({ version })
    expect((await app.inject({ url: '/v1.0', headers })).json()).toEqual({ version })
  })

  test('the links follow the option public_endpoint', async () => {
    const { app } = await testApi({ publicEndpoint: 'https://db.example.com/' })
    expect((await app.inject('/')).json().versions[0].links[0].href).toBe('https://db.example.com/v1.0/')
  })

  test('healthcheck answers in plain text', async () => {
    const { app } = await testApi()
    const answer = await app.inject('/healthcheck')
    expect([answer.statusCode, answer.body]).toEqual([200, 'OK'])
  })
})

describe('who asks', () => {
  test.each(['', 'nobody', '__proto__'])('the token %j is nobody’s: 401', async (token) => {
    const { ask } = await testApi()
    expect(await ask(token, 'GET', '/instances')).toMatchObject({
      status: 401,
      body: { unauthorized: { code: 401, message: 'Authentication required' } },
    })
  })

  test('no token at all: 401, also with a body that is broken', async () => {
    const { app } = await testApi()
    const url = '/v1.0/project-a/instances'
    const headers = { 'content-type': 'application/json' }
    expect((await app.inject({ method: 'POST', url, headers, payload: '{' })).statusCode).toBe(401)
  })

  test("another project's URL: 403", async () => {
    const { ask } = await testApi()
    expect((await ask('bob', 'GET', '//v1.0/project-a/instances')).body).toEqual({
      forbidden: { code: 403, message: 'User with tenant id project-b cannot access this resource' },
    })
  })

  test.each(['/v1%2E0/project-a/instances', '/%761.0/project-a/instances', '/v1.0/project%2Da/instances'])(
    'a URL in disguise asks for a token too: %s',
    async (url) => {
      const { app } = await testApi()
      expect([401, 404]).toContain((await app.inject(url)).statusCode)
      const asBob = await app.inject({ url, headers: { 'x-auth-token': 'bob' } })
      expect([403, 404]).toContain(asBob.statusCode)
    },
  )

  test('an identity that is out of reach: 503, and the log says why', async () => {
    const { ask, logLines } = await testApi()
    const { status, body } = await ask('down', 'GET', '/instances')
    expect([status, Object.keys(body)]).toEqual([503, ['serviceUnavailable']])
    expect(logLines.join()).toContain('IDENTITY_UNAVAILABLE')
  })

  test("a member is no administrator: 401 with Trove's text", async () => {
    const { ask } = await testApi()
    for (const path of ['/mgmt/instances', '/mgmt/quotas/project-a', '/mgmt/datastore-versions']) {
      expect((await ask('alice', 'GET', path)).body).toEqual({
        unauthorized: { code: 401, message: 'User does not have admin privileges.' },
      })
    }
  })
})

describe('what is no request', () => {
  test.each([
    ['GET', '/nothing'],
    ['POST', '/datastores'],
    ['DELETE', '/instances'],
    ['TRACE', '/instances'],
    ['GET', '/instances/x/y'],
  ])('%s %s is not found', async (method, path) => {
    const { ask } = await testApi()
    const { status, body } = await ask('alice', method, path)
    expect(status).toBe(404)
    expect(body).toEqual({ itemNotFound: { code: 404, message: 'The resource could not be found.' } })
  })

  test.each([
    ['{', 400, 'badRequest'],
    ['[]', 400, 'badRequest'],
    ['null', 400, 'badRequest'],
    ['"x"', 400, 'badRequest'],
    ['', 400, 'badRequest'],
    ['\0', 400, 'badRequest'],
    ['{"instance":'.repeat(20_000), 400, 'badRequest'],
    ['['.repeat(200_000) + ']'.repeat(200_000), 400, 'badRequest'],
    ['{"instance":{"__proto__":{"name":"x"}}}', 400, 'badRequest'],
    [' '.repeat(10_000_000), 413, 'overLimit'],
  ])('a body is refused (%#)', async (body, status, name) => {
    const { ask } = await testApi()
    const answer = await ask('alice', 'POST', '/instances', body)
    expect([answer.status, Object.keys(answer.body)]).toEqual([status, [name]])
    expect(text(answer.body)).toMatchObject({ code: status })
  })

  test('a body that is not JSON by its type: 415', async () => {
    const { app } = await testApi()
    const answer = await app.inject({
      method: 'POST',
      url: '/v1.0/project-a/instances',
      headers: { 'x-auth-token': 'alice', 'content-type': 'text/xml' },
      payload: '<instance/>',
    })
    expect(answer.json()).toEqual({ badMediaType: { code: 415, message: 'Unsupported Content-Type' } })
  })

  test.each(['/instances/%zz', '/instances/%ff', '/flavors/%'])(
    'a URL that cannot be decoded: 400, %s',
    async (path) => {
      const { ask } = await testApi()
      expect((await ask('alice', 'GET', path)).status).toBe(400)
    },
  )

  test.each(['limit=x', 'limit=-1', 'limit=1&limit=2', 'marker=a&marker=b'])(
    'a query that makes no sense: 400, %s',
    async (query) => {
      const { ask } = await testApi()
      expect((await ask('alice', 'GET', `/instances?${query}`)).status).toBe(400)
    },
  )
})

test('an unexpected error is a fault with an id that stands in the log, and nothing of its text', async () => {
  const failing = async () => {
    throw new Error('secret detail')
  }
  const { ask, logLines } = await testApi({}, { flavors: failing })
  const { status, body } = await ask('alice', 'GET', '/flavors')
  expect(status).toBe(500)
  const message: string = body.instanceFault.message
  const id =
    /^Internal Server Error\. Please keep this ID to help us figure out what went wrong: \((.{36})\)\.$/.exec(
      message,
    )?.[1]
  expect(id).toBeDefined()
  const line = logLines.find((entry) => entry.includes(id ?? '-'))
  expect(line).toContain('secret detail')
})

test('every answer has a request id, and the log a line with it and without the token', async () => {
  const { ask, logLines } = await testApi()
  const { headers } = await ask('alice', 'GET', '/instances?marker=x')
  const id = headers['x-openstack-request-id']
  expect(id).toMatch(/^req-[0-9a-f-]{36}$/)
  expect(headers['x-compute-request-id']).toBe(id)
  const line = JSON.parse(logLines.at(-1) ?? '{}')
  expect(line).toMatchObject({
    request: id,
    method: 'GET',
    path: '/v1.0/project-a/instances',
    status: 200,
    project: 'project-a',
  })
  expect(logLines.join()).not.toContain('"alice"')
})

describe('limits', () => {
  test('over the rate: 413 with the time to wait; another project is not affected', async () => {
    const { ask } = await testApi({ httpGetRate: 2 })
    await ask('alice', 'GET', '/instances')
    await ask('alice', 'GET', '/instances')
    const { status, headers, body } = await ask('alice', 'GET', '/instances')
    expect([status, headers['retry-after']]).toEqual([413, '30'])
    expect(body).toEqual({
      overLimit: {
        code: 413,
        message: 'This request was rate-limited.',
        details: 'Only 2 GET request(s) can be made to * every MINUTE.',
        retryAfter: '30',
      },
    })
    expect((await ask('bob', 'GET', '/instances')).status).toBe(200)
  })

  test('GET /limits shows what a tenant may have first, then the rates', async () => {
    const { ask } = await testApi({
      httpGetRate: 200,
      httpPostRate: 200,
      httpPutRate: 200,
      httpDeleteRate: 200,
      httpMgmtPostRate: 200,
    })
    const { limits } = (await ask('alice', 'GET', '/limits')).body
    expect(limits[0]).toEqual({
      verb: 'ABSOLUTE',
      max_instances: 5,
      max_volumes: 20,
      max_backups: 50,
      max_ram: -1,
    })
    const rate = { uri: '*', regex: '.*', value: 200, unit: 'MINUTE', nextAvailable: '2026-03-01T12:00:00Z' }
    expect(limits.slice(1)).toEqual([
      { ...rate, verb: 'POST', remaining: 200 },
      { ...rate, verb: 'PUT', remaining: 200 },
      { ...rate, verb: 'DELETE', remaining: 200 },
      { ...rate, verb: 'GET', remaining: 199 },
      { ...rate, verb: 'POST', remaining: 200, uri: '*/mgmt', regex: '^/mgmt' },
    ])
  })
})
