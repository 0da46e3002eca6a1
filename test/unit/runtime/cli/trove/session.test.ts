import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import type { ReadStream } from 'node:tty'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { askPassword } from '../../../../../runtime/cli/trove/service/password.ts'
import { bookRoutes } from './book-service.ts'
import { type CannedService, PASSWORD, PROJECT, startCannedService } from './canned-service.ts'
import { openrc, trove } from './run.ts'

let service: CannedService
beforeEach(async () => {
  service = await startCannedService(bookRoutes)
})
afterEach(() => service.stop())

const paths = () => service.seen.map(({ method, path }) => `${method} ${path}`)

describe('authentication', () => {
  test.each(['OS_PROJECT_NAME', 'OS_TENANT_NAME'])(
    'with a v3 URL and %s asks for a token of the project',
    async (variable) => {
      const { OS_PROJECT_NAME, ...rest } = openrc(service.url)
      const { code } = await trove('flavor-list', { ...rest, [variable]: OS_PROJECT_NAME })
      expect(code).toBe(0)
      expect(paths()).toEqual(['POST /v3/auth/tokens', 'GET /flavors'])
      expect(service.seen[0]?.body).toEqual({
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: 'admin', domain: { id: 'default' }, password: PASSWORD } },
          },
          scope: { project: { name: 'admin', domain: { id: 'default' } } },
        },
      })
    },
  )

  test('with the book’s v2.0 URL speaks v2.0', async () => {
    const { code } = await trove('flavor-list', {
      ...openrc(service.url),
      OS_AUTH_URL: `${service.url}/v2.0`,
    })
    expect(code).toBe(0)
    expect(paths()).toEqual(['POST /v2.0/tokens', 'GET /flavors'])
    expect(service.seen[0]?.body).toEqual({
      auth: { tenantName: 'admin', passwordCredentials: { username: 'admin', password: PASSWORD } },
    })
  })

  test('with a bare URL finds out what the service speaks', async () => {
    await trove('flavor-list', { ...openrc(service.url), OS_AUTH_URL: service.url })
    expect(paths()).toEqual(['GET /', 'POST /v3/auth/tokens', 'GET /flavors'])
  })

  test('names users, projects and domains by id where ids are given', async () => {
    const env = {
      OS_USER_ID: 'u1',
      OS_TENANT_ID: PROJECT,
      OS_USER_DOMAIN_NAME: 'Staff',
      OS_PROJECT_NAME: undefined,
    }
    await trove('flavor-list', { ...openrc(service.url), ...env })
    const body = JSON.stringify(service.seen[0]?.body)
    expect(body).toContain('"user":{"id":"u1","password"')
    expect(body).toContain(`"scope":{"project":{"id":"${PROJECT}"}}`)
  })

  test('an option wins over its variable', async () => {
    const ran = await trove('--os-password wrong flavor-list', openrc(service.url))
    expect(ran).toEqual({
      code: 1,
      stdout: '',
      stderr: 'ERROR: The request you have made requires authentication. (HTTP 401)\n',
    })
  })

  test('a token that has expired is renewed once', async () => {
    await service.stop()
    // The first token of this run is refused; the second works.
    service = await startCannedService({
      ...bookRoutes,
      'GET /flavors': (_request, times) =>
        times === 0
          ? { status: 401, body: { unauthorized: { code: 401, message: 'expired' } } }
          : { body: { flavors: [] } },
    })
    expect((await trove('flavor-list', openrc(service.url))).code).toBe(0)
    expect(paths()).toEqual(['POST /v3/auth/tokens', 'GET /flavors', 'POST /v3/auth/tokens', 'GET /flavors'])
  })

  test('a given token and service URL leave the identity service alone', async () => {
    await trove('flavor-list', openrc(service.url))
    service.seen.length = 0
    const env = { OS_AUTH_TOKEN: 'token-1', TROVE_BYPASS_URL: `${service.url}/v1.0/${PROJECT}` }
    expect((await trove('flavor-list', env)).code).toBe(0)
    expect(paths()).toEqual(['GET /flavors'])
    expect(service.seen[0]?.token).toBe('token-1')
  })

  test('a bypass URL without version and project gets them', async () => {
    const ran = await trove(['--bypass-url', service.url, 'flavor-list'], openrc(service.url))
    expect(ran.code).toBe(0)
    expect(paths().at(-1)).toBe('GET /flavors')
  })

  test('a password is asked for on a terminal', async () => {
    const { OS_PASSWORD, ...env } = openrc(service.url)
    expect((await trove('flavor-list', env, { askPassword: async () => OS_PASSWORD ?? '' })).code).toBe(0)
  })
})

describe('what is missing is said as the client of OpenStack says it', () => {
  const whole = {
    OS_USERNAME: 'a',
    OS_PASSWORD: 'b',
    OS_TENANT_NAME: 'c',
    OS_AUTH_URL: 'http://127.0.0.1:1/v3',
  }
  test.each([
    ['OS_USERNAME', 'You must provide a username via either --os-username or env[OS_USERNAME]'],
    ['OS_PASSWORD', 'You must provide a password via either --os-password or env[OS_PASSWORD]'],
    ['OS_AUTH_URL', 'You must provide an auth url via either --os-auth-url or env[OS_AUTH_URL]'],
    ['OS_TENANT_NAME', 'You must provide a project_id or project_name via either --os-project-id'],
  ])('%s', async (variable, message) => {
    const ran = await trove('list', { ...whole, [variable]: undefined })
    expect(ran.code).toBe(1)
    expect(ran.stderr).toContain(`ERROR: ${message}`)
    expect(ran.stderr).toContain('\nhint: ')
  })
})

describe('what cannot be reached', () => {
  test('is a sentence with a hint', async () => {
    const ran = await trove('list', { ...openrc('http://127.0.0.1:1'), OS_PASSWORD: 'x' })
    expect(ran).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'ERROR: Unable to establish connection to http://127.0.0.1:1: connection refused\n' +
        'hint: start the services with "coffer up", or check OS_AUTH_URL\n',
    })
  })

  test('a service that says nothing is given up after --timeout', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const address = silent.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    const ran = await trove('--timeout 0.2 list', openrc(url))
    silent.close()
    expect(ran.stderr).toBe(
      `ERROR: ${url} did not answer in time\nhint: give it more time with --timeout <seconds>\n`,
    )
  })

  test.each([
    ['--retries 1 flavor-list', 0],
    ['flavor-list', 1],
  ])('a connection that breaks is tried again as often as --retries says: %s', async (line, code) => {
    let broken = 0
    const shaky = createHttpServer((incoming, outgoing) => {
      if (broken++ === 0) return incoming.socket.destroy()
      outgoing.end('{"flavors":[]}')
    })
    await new Promise<void>((resolve) => shaky.listen(0, '127.0.0.1', resolve))
    const address = shaky.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/v1.0/p`
    const ran = await trove(line, { OS_AUTH_TOKEN: 't', TROVE_BYPASS_URL: url })
    shaky.closeAllConnections()
    shaky.close()
    expect([ran.code, broken]).toEqual([code, code === 0 ? 2 : 1])
  })

  test.each<[number, string, string]>([
    [200, '<html>hello</html>', 'does not answer in JSON: it is not a database service\n'],
    [302, '', 'ERROR: The service gave no reason. (HTTP 302)\n'],
    [502, '<html>Bad Gateway</html>', 'ERROR: The service gave no reason. (HTTP 502)\n'],
    [503, 'Come back later', 'ERROR: Come back later (HTTP 503)\n'],
    [400, '{"badRequest":{"code":400,"message":"No \\u001b[31m"}}', 'ERROR: No \\x1b[31m (HTTP 400)\n'],
    [400, '{"message":"flat","code":"400 Bad","title":"x"}', 'ERROR: flat (HTTP 400)\n'],
    [500, '{"error":"text"}', 'ERROR: text (HTTP 500)\n'],
    [500, '{}', 'ERROR: The service gave no reason. (HTTP 500)\n'],
  ])('what answers %i %s is no empty table', async (status, body, message) => {
    const other = createHttpServer((_incoming, outgoing) => outgoing.writeHead(status).end(body))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/v1.0/p`
    const ran = await trove('flavor-list', { OS_AUTH_TOKEN: 't', TROVE_BYPASS_URL: url })
    other.closeAllConnections()
    other.close()
    expect([ran.code, ran.stdout]).toEqual([1, ''])
    expect(ran.stderr).toContain(message)
  })

  test('a region that the catalog does not have is named with those it has', async () => {
    const ran = await trove('--os-region-name Nowhere list', openrc(service.url))
    expect(ran.stderr).toBe(
      'ERROR: publicURL endpoint for database service in Nowhere region not found\nhint: the service is in: RegionOne, Elsewhere\n',
    )
  })

  test('faults are shown with their status', async () => {
    const ran = await trove('datastore-show nosuch', openrc(service.url))
    expect(ran).toEqual({
      code: 1,
      stdout: '',
      stderr: 'ERROR: The resource could not be found. (HTTP 404)\n',
    })
  })

  test('bad URLs, versions, numbers and ways to authenticate are refused before anything is sent', async () => {
    const env = openrc(service.url)
    for (const line of [
      '--os-auth-url ftp://x list',
      '--os-database-api-version 2 list',
      '--timeout soon list',
      '--os-auth-type kerberos list',
      '--os-cacert /nonexistent list',
    ]) {
      const ran = await trove(line, env)
      expect([line, ran.code, ran.stderr.slice(0, 7)]).toEqual([line, 1, 'ERROR: '])
    }
    expect(service.seen).toEqual([])
  })
})

test('a password typed on a terminal is not shown, and may be corrected', async () => {
  const typed = new PassThrough() as PassThrough & { setRawMode: (raw: boolean) => void }
  const modes: boolean[] = []
  typed.setRawMode = (raw) => modes.push(raw)
  let shown = ''
  const asked = askPassword(typed as unknown as ReadStream, (text) => {
    shown += text
  })
  for (const text of ['S3crex', '\x7f', 't\r', 'not read']) typed.write(text)
  expect(await asked).toBe('S3cret')
  expect(shown).toBe('Password: \n')
  expect(modes).toEqual([true, false])
})

describe('--debug', () => {
  test('shows requests as curl lines and answers on the error stream, the result stays alone on the other', async () => {
    const { stdout, stderr } = await trove('--debug database-list m1', openrc(service.url))
    expect(stdout).toMatch(/^\+-+\+\n\| Name/)
    expect(stderr).toContain(`DEBUG REQ: curl -g -i -X GET ${service.url}/v1.0/${PROJECT}/instances/`)
    expect(stderr).toContain(
      'RESP BODY: {"databases":[{"name":"chapter_3_db"},{"name":"performance_schema"}]}',
    )
  })

  test('shows no password and no token', async () => {
    const env = openrc(service.url)
    const runs = [
      await trove('--debug root-enable m1 --root_password S3cretRoot', env),
      await trove('--debug create m6 2 --size 1 --users u:S3cretUser', env),
      await trove('--debug user-create m1 u S3cretNew', env),
      await trove('--debug flavor-list', { ...env, OS_AUTH_URL: `${service.url}/v2.0` }),
    ]
    const shown = runs.map(({ stderr }) => stderr).join('')
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0])
    expect(shown).toContain('"password":"***"')
    for (const secret of [PASSWORD, 'S3cret', 'token-', 'dAyPj7X24acJ', 'xQ6wyJCUZzhj'])
      expect(shown).not.toContain(secret)
  })
})
