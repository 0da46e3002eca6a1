import { describe, expect, test, vi } from 'vitest'
import { BOB_PASSWORD, type TestIdentity, testIdentity } from './support.ts'

const HEX = /^[0-9a-f]{32}$/
const passwordLogin = (name: string, password: string, project?: string) => ({
  auth: {
    identity: { methods: ['password'], password: { user: { name, domain: { id: 'default' }, password } } },
    ...(project === undefined ? {} : { scope: { project: { name: project, domain: { name: 'Default' } } } }),
  },
})

async function asked(
  { app }: TestIdentity,
  method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
  url: string,
  token?: string,
  payload?: object,
  headers: Record<string, string> = {},
) {
  const response = await app.inject({
    method,
    url,
    headers: {
      host: 'db.example:5000',
      ...(token === undefined ? {} : { 'x-auth-token': token }),
      ...headers,
    },
    ...(payload === undefined ? {} : { payload }),
  })
  return {
    status: response.statusCode,
    headers: response.headers,
    body: response.body ? response.json() : undefined,
  }
}

describe('version discovery', () => {
  test('offers v3 and v2.0, each at its own URL', async () => {
    const identity = await testIdentity()
    const { status, body } = await asked(identity, 'GET', '/')
    expect(status).toBe(300)
    expect(
      body.versions.values.map(({ id, links }: { id: string; links: { href: string }[] }) => [
        id,
        links[0]?.href,
      ]),
    ).toEqual([
      ['v3.14', 'http://db.example:5000/v3/'],
      ['v2.0', 'http://db.example:5000/v2.0/'],
    ])
    expect((await asked(identity, 'GET', '/v3/')).body.version).toMatchObject({
      id: 'v3.14',
      status: 'stable',
    })
    expect((await asked(identity, 'GET', '/v2.0')).body.version).toMatchObject({ id: 'v2.0' })
  })
})

describe('POST /v3/auth/tokens', () => {
  test('gives a token for a project with roles and the catalog', async () => {
    const identity = await testIdentity()
    const { status, headers, body } = await asked(
      identity,
      'POST',
      '/v3/auth/tokens',
      undefined,
      passwordLogin('bob', BOB_PASSWORD, 'demo'),
    )
    expect(status).toBe(201)
    expect(headers['x-subject-token']).toMatch(/^\w/)
    expect(body.token).toMatchObject({
      methods: ['password'],
      user: { name: 'bob', domain: { id: 'default', name: 'Default' } },
      project: { name: 'demo', domain: { id: 'default', name: 'Default' } },
      roles: [{ name: 'member' }],
      issued_at: '2026-11-23T12:00:00.000000Z',
      expires_at: '2026-11-23T13:00:00.000000Z',
    })
    expect(body.token.project.id).toMatch(HEX)
    const database = body.token.catalog.find(({ type }: { type: string }) => type === 'database')
    expect(database.endpoints.map((endpoint: object) => endpoint)).toMatchObject(
      ['public', 'internal', 'admin'].map((kind) => ({
        interface: kind,
        region: 'RegionOne',
        url: `http://db.example:8779/v1.0/${body.token.project.id}`,
      })),
    )
  })

  test('leaves the catalog out when asked to, and the project when unscoped', async () => {
    const identity = await testIdentity()
    const login = passwordLogin('bob', BOB_PASSWORD, 'demo')
    const bare = await asked(identity, 'POST', '/v3/auth/tokens?nocatalog', undefined, login)
    expect(bare.body.token).not.toHaveProperty('catalog')
    const unscoped = await asked(identity, 'POST', '/v3/auth/tokens', undefined, {
      auth: { ...login.auth, scope: 'unscoped' },
    })
    expect(unscoped.body.token).not.toHaveProperty('project')
    expect(unscoped.body.token).not.toHaveProperty('roles')
  })

  test("takes a token for a login, and the user's default project when no scope is named", async () => {
    const identity = await testIdentity()
    const first = await asked(
      identity,
      'POST',
      '/v3/auth/tokens',
      undefined,
      passwordLogin('bob', BOB_PASSWORD),
    )
    expect(first.body.token.project.name).toBe('demo')
    const again = await asked(identity, 'POST', '/v3/auth/tokens', undefined, {
      auth: {
        identity: { methods: ['token'], token: { id: first.headers['x-subject-token'] } },
        scope: { project: { id: first.body.token.project.id } },
      },
    })
    expect(again.status).toBe(201)
    expect(again.body.token.methods).toEqual(['password', 'token'])
  })

  test("says 401 and 400 in Keystone's shape", async () => {
    const identity = await testIdentity()
    const wrong = await asked(
      identity,
      'POST',
      '/v3/auth/tokens',
      undefined,
      passwordLogin('bob', 'wrong', 'demo'),
    )
    expect(wrong.status).toBe(401)
    expect(wrong.headers['www-authenticate']).toBe('Keystone uri="http://db.example:5000"')
    expect(wrong.body).toEqual({
      error: {
        code: 401,
        message: 'The request you have made requires authentication.',
        title: 'Unauthorized',
      },
    })
    for (const payload of [
      {},
      { auth: {} },
      { auth: { identity: { methods: 'password' } } },
      { auth: { identity: { methods: [] } } },
      { auth: { identity: { methods: ['password'] } } },
      { auth: { identity: { methods: ['totp'] } } },
      { auth: { identity: { methods: ['password'], password: { user: { name: 'bob', password: 5 } } } } },
    ]) {
      const refused = await asked(identity, 'POST', '/v3/auth/tokens', undefined, payload)
      expect(refused).toMatchObject({ status: 400, body: { error: { code: 400, title: 'Bad Request' } } })
    }
    const { app } = identity
    const broken = await app.inject({
      method: 'POST',
      url: '/v3/auth/tokens',
      headers: { 'content-type': 'application/json' },
      payload: '{"auth":',
    })
    expect([broken.statusCode, broken.json().error.title]).toEqual([400, 'Bad Request'])
  })
})

describe('a token that exists', () => {
  test('is shown to its own user and to administrators, to nobody else', async () => {
    const identity = await testIdentity()
    const bob = await identity.tokenOf('bob', BOB_PASSWORD)
    const admin = await identity.tokenOf('admin', identity.adminPassword)
    const show = (by: string | undefined, about: string) =>
      asked(identity, 'GET', '/v3/auth/tokens', by, undefined, { 'x-subject-token': about })
    expect((await show(bob, bob)).body.token.user.name).toBe('bob')
    expect((await show(admin, bob)).body.token.user.name).toBe('bob')
    expect((await show(bob, admin)).status).toBe(403)
    expect((await show(undefined, bob)).status).toBe(401)
    expect((await show(admin, 'nonsense')).status).toBe(404)
    // A stranger learns nothing about whether a token is good.
    expect((await show(bob, 'nonsense')).status).toBe(403)
    expect((await asked(identity, 'GET', '/v3/auth/tokens', bob)).status).toBe(400)
    const head = await asked(identity, 'HEAD', '/v3/auth/tokens', bob, undefined, { 'x-subject-token': bob })
    expect([head.status, head.body]).toEqual([200, undefined])
  })

  test('ends when it is deleted', async () => {
    const identity = await testIdentity()
    const bob = await identity.tokenOf('bob', BOB_PASSWORD)
    const gone = await asked(identity, 'DELETE', '/v3/auth/tokens', bob, undefined, {
      'x-subject-token': bob,
    })
    expect(gone.status).toBe(204)
    expect((await asked(identity, 'GET', '/v3/auth/projects', bob)).status).toBe(401)
  })
})

describe('administration', () => {
  test('is closed to others, who may still look at themselves', async () => {
    const identity = await testIdentity()
    const bob = await identity.tokenOf('bob', BOB_PASSWORD)
    const { user, project } = identity.authority.check(bob) ?? {}
    for (const [method, url, payload] of [
      ['GET', '/v3/users', undefined],
      ['GET', '/v3/projects', undefined],
      ['GET', '/v3/roles', undefined],
      ['GET', '/v3/role_assignments', undefined],
      ['GET', `/v3/users/${identity.store.view().userNamed('admin')?.id}`, undefined],
      ['GET', '/v3/projects/nowhere', undefined],
      ['POST', '/v3/projects', { project: { name: 'mine' } }],
      ['POST', '/v3/users', { user: { name: 'me' } }],
      ['PATCH', `/v3/users/${user?.id}`, { user: { name: 'root' } }],
      ['DELETE', `/v3/users/${user?.id}`, undefined],
    ] as const) {
      const refused = await asked(identity, method, url, bob, payload)
      expect([method, url, refused.status]).toEqual([method, url, 403])
      expect((await asked(identity, method, url, undefined, payload)).status).toBe(401)
    }
    expect((await asked(identity, 'GET', `/v3/users/${user?.id}`, bob)).body.user.name).toBe('bob')
    expect((await asked(identity, 'GET', `/v3/projects/${project?.id}`, bob)).body.project.name).toBe('demo')
    expect((await asked(identity, 'GET', '/v3/auth/projects', bob)).body.projects).toHaveLength(1)
  })

  test('makes a tenant that can log in: project, user, role', async () => {
    const identity = await testIdentity()
    const admin = await identity.tokenOf('admin', identity.adminPassword)
    const project = await asked(identity, 'POST', '/v3/projects', admin, {
      project: { name: 'team', tags: [] },
    })
    expect([project.status, project.body.project]).toMatchObject([
      201,
      { name: 'team', enabled: true, domain_id: 'default' },
    ])
    const user = await asked(identity, 'POST', '/v3/users', admin, {
      user: { name: 'eve', password: 'pa ss' },
    })
    expect(user.status).toBe(201)
    expect(JSON.stringify(user.body)).not.toContain('scrypt')
    const roles = await asked(identity, 'GET', '/v3/roles?name=member', admin)
    const grant = `/v3/projects/${project.body.project.id}/users/${user.body.user.id}/roles/${roles.body.roles[0].id}`
    expect((await asked(identity, 'GET', grant, admin)).status).toBe(404)
    expect((await asked(identity, 'PUT', grant, admin)).status).toBe(204)
    expect((await asked(identity, 'GET', grant, admin)).status).toBe(204)
    expect(
      (await asked(identity, 'POST', '/v3/auth/tokens', undefined, passwordLogin('eve', 'pa ss', 'team')))
        .status,
    ).toBe(201)
    const assignments = await asked(
      identity,
      'GET',
      `/v3/role_assignments?user.id=${user.body.user.id}&include_names=True`,
      admin,
    )
    expect(assignments.body.role_assignments).toMatchObject([
      { role: { name: 'member' }, user: { name: 'eve' }, scope: { project: { name: 'team' } } },
    ])
    const again = await asked(identity, 'POST', '/v3/projects', admin, { project: { name: 'team' } })
    expect(again).toMatchObject({ status: 409, body: { error: { title: 'Conflict' } } })
  })

  test('cannot take the last administrator away', async () => {
    const identity = await testIdentity()
    const admin = await identity.tokenOf('admin', identity.adminPassword)
    const id = identity.store.view().userNamed('admin')?.id
    for (const [method, payload] of [
      ['DELETE', undefined],
      ['PATCH', { user: { enabled: false } }],
    ] as const) {
      expect((await asked(identity, method, `/v3/users/${id}`, admin, payload)).status).toBe(403)
    }
  })
})

test('a user changes the own password by proving the old one', async () => {
  const identity = await testIdentity()
  const bob = await identity.tokenOf('bob', BOB_PASSWORD)
  const url = `/v3/users/${identity.store.view().userNamed('bob')?.id}/password`
  const change = (original_password: string) =>
    asked(identity, 'POST', url, bob, { user: { original_password, password: 'next' } })
  expect((await change('wrong')).status).toBe(401)
  expect((await change(BOB_PASSWORD)).status).toBe(204)
  expect((await asked(identity, 'GET', '/v3/auth/projects', bob)).status).toBe(401)
  identity.clock.move(1)
  expect(
    (await asked(identity, 'POST', '/v3/auth/tokens', undefined, passwordLogin('bob', 'next'))).status,
  ).toBe(201)
})

describe('v2.0', () => {
  test("answers a login with the book's access document", async () => {
    const identity = await testIdentity()
    const { status, body } = await asked(identity, 'POST', '/v2.0/tokens', undefined, {
      auth: {
        tenantName: 'admin',
        passwordCredentials: { username: 'admin', password: identity.adminPassword },
      },
    })
    expect(status).toBe(200)
    const { token, serviceCatalog, user, metadata } = body.access
    expect(token).toEqual({
      audit_ids: [expect.stringMatching(/^[\w-]{22}$/)],
      expires: '2026-11-23T13:00:00Z',
      id: expect.any(String),
      issued_at: '2026-11-23T12:00:00.000000',
      tenant: {
        description: 'The administrators of this service.',
        enabled: true,
        id: expect.stringMatching(HEX),
        name: 'admin',
        parent_id: null,
      },
    })
    const url = `http://db.example:8779/v1.0/${token.tenant.id}`
    expect(serviceCatalog.find(({ type }: { type: string }) => type === 'database')).toEqual({
      endpoints: [
        {
          adminURL: url,
          id: expect.stringMatching(HEX),
          internalURL: url,
          publicURL: url,
          region: 'RegionOne',
        },
      ],
      endpoints_links: [],
      name: 'trove',
      type: 'database',
    })
    expect(user).toEqual({
      id: expect.stringMatching(HEX),
      name: 'admin',
      roles: [{ name: 'admin' }],
      roles_links: [],
      username: 'admin',
    })
    expect(metadata).toEqual({ is_admin: 0, roles: [expect.stringMatching(HEX)] })
    expect((await asked(identity, 'GET', `/v2.0/tokens/${token.id}`, token.id)).body.access.user.name).toBe(
      'admin',
    )
    expect((await asked(identity, 'GET', '/v2.0/tenants', token.id)).body.tenants).toMatchObject([
      { name: 'admin' },
    ])
  })

  test('gives an unscoped token that becomes a scoped one', async () => {
    const identity = await testIdentity()
    const unscoped = await asked(identity, 'POST', '/v2.0/tokens', undefined, {
      auth: { passwordCredentials: { username: 'bob', password: BOB_PASSWORD } },
    })
    expect(unscoped.body.access.serviceCatalog).toEqual([])
    const scoped = await asked(identity, 'POST', '/v2.0/tokens', undefined, {
      auth: { token: { id: unscoped.body.access.token.id }, tenantName: 'demo' },
    })
    expect(scoped.body.access.token.tenant.name).toBe('demo')
  })
})

test('an unknown route and an unexpected error keep to the shape, and tell nothing of the inside', async () => {
  const identity = await testIdentity()
  expect((await asked(identity, 'GET', '/v3/secrets')).body.error).toMatchObject({
    code: 404,
    title: 'Not Found',
  })
  const admin = await identity.tokenOf('admin', identity.adminPassword)
  vi.spyOn(identity.store, 'change').mockRejectedValue(new Error('EIO: the disk is on fire'))
  const failed = await asked(identity, 'POST', '/v3/projects', admin, { project: { name: 'x' } })
  expect(failed).toMatchObject({ status: 500, body: { error: { title: 'Internal Server Error' } } })
  expect(JSON.stringify(failed.body)).not.toContain('fire')
})
