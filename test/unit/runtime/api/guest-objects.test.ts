import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CofferError } from '../../../../lib/errors.ts'
import { fault } from '../../../../runtime/model/faults.ts'
import { SERVICE_STATUSES } from '../../../../runtime/model/service-status.ts'
import type { Json } from '../../../../runtime/rpc/types.ts'
import { testApi } from './support.ts'

const message = (answer: { body: Record<string, { message: string }> }) =>
  Object.values(answer.body)[0]?.message
const guestUser = { _name: 'user1', _host: '%', _databases: [{ _name: 'db1' }, { _name: 'db2' }] }
const shownUser = { name: 'user1', host: '%', databases: [{ name: 'db1' }, { name: 'db2' }] }

/** An API with one running instance, and what its guest is asked. */
async function withGuest(answer: (method: string) => Json = () => null, datastore = 'mysql') {
  const api = await testApi()
  const id = await api.running({ datastore })
  api.rpc.answer = answer
  const ask = (method: string, path: string, body?: unknown) =>
    api.ask('alice', method, `/instances/${id}${path}`, body)
  const asked = () => api.rpc.sent.map(({ method, args }) => [method, args])
  return { ...api, id, ask, asked }
}

describe('what the guest is asked, and what the user is told', () => {
  test.each([
    [
      'GET',
      '/databases',
      undefined,
      'list_databases',
      { limit: 20, marker: null, include_marker: false },
      [[{ _name: 'db1' }], null],
      200,
      { databases: [{ name: 'db1' }] },
    ],
    [
      'POST',
      '/databases',
      { databases: [{ name: 'db1', character_set: 'utf8', collate: 'utf8_general_ci' }] },
      'create_database',
      { databases: [{ _name: 'db1', _character_set: 'utf8', _collate: 'utf8_general_ci' }] },
      null,
      202,
      undefined,
    ],
    [
      'DELETE',
      '/databases/db1',
      undefined,
      'delete_database',
      { database: { _name: 'db1' } },
      null,
      202,
      undefined,
    ],
    [
      'GET',
      '/users',
      undefined,
      'list_users',
      { limit: 20, marker: null, include_marker: false },
      [[guestUser], null],
      200,
      { users: [shownUser] },
    ],
    [
      'POST',
      '/users',
      { users: [{ name: 'user1', password: 'p', databases: [{ name: 'db1' }] }] },
      'create_user',
      { users: [{ _name: 'user1', _host: '%', _password: 'p', _databases: [{ _name: 'db1' }] }] },
      null,
      202,
      undefined,
    ],
    [
      'PUT',
      '/users',
      { users: [{ name: 'user1', password: 'q', host: '10.0.0.1' }] },
      'change_passwords',
      { users: [{ _name: 'user1', _host: '10.0.0.1', _password: 'q', _databases: [] }] },
      null,
      202,
      undefined,
    ],
    [
      'GET',
      '/users/user1',
      undefined,
      'get_user',
      { username: 'user1', hostname: '%' },
      guestUser,
      200,
      { user: shownUser },
    ],
    [
      'GET',
      '/users/user%2ename@10%2e0%2e0%2e1',
      undefined,
      'get_user',
      { username: 'user.name', hostname: '10.0.0.1' },
      guestUser,
      200,
      { user: shownUser },
    ],
    [
      'PUT',
      '/users/user1',
      { user: { name: 'user2', password: 'q' } },
      'update_attributes',
      { username: 'user1', hostname: '%', user_attrs: { name: 'user2', password: 'q' } },
      null,
      202,
      undefined,
    ],
    [
      'DELETE',
      '/users/a%40b@%25',
      undefined,
      'delete_user',
      { user: { _name: 'a@b', _host: '%' } },
      null,
      202,
      undefined,
    ],
    [
      'GET',
      '/users/user1/databases',
      undefined,
      'list_access',
      { username: 'user1', hostname: '%' },
      [{ _name: 'db1' }],
      200,
      { databases: [{ name: 'db1' }] },
    ],
    [
      'PUT',
      '/users/user1/databases',
      { databases: [{ name: 'db3' }] },
      'grant_access',
      { username: 'user1', hostname: '%', databases: ['db3'] },
      null,
      202,
      undefined,
    ],
    [
      'POST',
      '/root',
      undefined,
      'enable_root',
      {},
      { _name: 'root', _password: 'pw' },
      200,
      { user: { name: 'root', password: 'pw' } },
    ],
    [
      'POST',
      '/root',
      { password: 'mine' },
      'enable_root_with_password',
      { root_password: 'mine' },
      { _name: 'root', _password: 'mine' },
      200,
      { user: { name: 'root', password: 'mine' } },
    ],
  ] as const)('%s %s', async (method, path, body, guestMethod, args, answer, status, told) => {
    const { ask, asked, rpc, id } = await withGuest(() => answer as Json)
    expect(await ask(method, path, body)).toMatchObject({ status, body: told })
    expect(asked()).toEqual([[guestMethod, args]])
    expect(rpc.sent[0]?.queue).toBe(`guestagent.${id}`)
  })

  test('root: ever enabled, then disabled', async () => {
    const { ask, asked } = await withGuest(() => ({ _name: 'root', _password: 'pw' }))
    expect((await ask('GET', '/root')).body).toEqual({ rootEnabled: false })
    expect(await ask('DELETE', '/root')).toMatchObject({
      status: 404,
      body: { itemNotFound: { message: 'Root user has never been enabled on the instance.' } },
    })
    await ask('POST', '/root')
    expect((await ask('GET', '/root')).body).toEqual({ rootEnabled: true })
    expect(await ask('DELETE', '/root')).toMatchObject({ status: 204, body: undefined })
    // Once open, it is no longer the service's to vouch for.
    expect((await ask('GET', '/root')).body).toEqual({ rootEnabled: true })
    expect(asked().map(([method]) => method)).toEqual(['enable_root', 'disable_root'])
  })

  test('access is revoked where there is one, and not found where there is none', async () => {
    const { ask, asked } = await withGuest((method) => (method === 'list_access' ? [{ _name: 'db3' }] : null))
    expect((await ask('DELETE', '/users/user1/databases/db3')).status).toBe(202)
    expect(asked().at(-1)).toEqual(['revoke_access', { username: 'user1', hostname: '%', database: 'db3' }])
    const none = await ask('DELETE', '/users/user1/databases/db4')
    expect([none.status, message(none)]).toEqual([404, 'Database db4 cannot be found on the instance.'])
  })

  test('an empty list asks nothing of the guest', async () => {
    const { ask, asked } = await withGuest()
    expect((await ask('POST', '/databases', { databases: [] })).status).toBe(202)
    expect((await ask('POST', '/users', { users: [] })).status).toBe(202)
    expect((await ask('PUT', '/users/user1/databases', { databases: [] })).status).toBe(202)
    expect(asked()).toEqual([])
  })

  test('one database cannot be shown: 501', async () => {
    const { ask } = await withGuest()
    expect((await ask('GET', '/databases/db1')).status).toBe(501)
  })
})

test('the marker of the next page is quoted twice, and comes back as it was', async () => {
  const { ask, asked } = await withGuest(() => [[guestUser], 'dbuser2@%'])
  const { body } = await ask('GET', '/users?limit=1')
  expect(body.links).toEqual([
    { rel: 'next', href: expect.stringMatching(/\/users\?marker=dbuser2%2540%2525&limit=1$/) },
  ])
  const marker = new URL(body.links[0].href).searchParams.get('marker')
  await ask('GET', `/users?marker=${marker}`)
  expect(asked().at(-1)).toEqual(['list_users', { limit: 20, marker: 'dbuser2@%', include_marker: false }])
})

test('a database that does not run answers 422, on every route of its engine', async () => {
  const { ask, db, id, asked } = await withGuest()
  await db.statuses.set(id, SERVICE_STATUSES.SHUTDOWN.code)
  for (const [method, path, body] of [
    ['GET', '/databases'],
    ['POST', '/users', { users: [{ name: 'u1', password: 'p' }] }],
    ['GET', '/users/u/databases'],
    ['GET', '/root'],
    ['POST', '/root'],
    ['DELETE', '/root'],
  ] as const) {
    const answer = await ask(method, path, body)
    expect([answer.status, message(answer)]).toEqual([422, `Instance ${id} is not ready.`])
  }
  expect(asked()).toEqual([])
})

describe('what goes wrong at the guest', () => {
  test.each([
    [new CofferError('RPC_TIMEOUT', 'late'), 400, 'Timeout trying to connect to the Guest Agent.'],
    [fault('USER_NOT_FOUND', { uuid: 'u' }), 404, 'User u cannot be found on the instance.'],
    [
      fault('DATASTORE_OPERATION_NOT_SUPPORTED', { operation: 'get_user', datastore: 'redis' }),
      501,
      "The 'get_user' operation is not supported for the 'redis' datastore.",
    ],
    [
      new CofferError('MYSQL_ODD', 'The engine said no.'),
      400,
      'An error occurred communicating with the guest: The engine said no.',
    ],
    [
      new CofferError('TRANSPORT_LOST', 'No broker', { retryable: true }),
      503,
      'The service cannot answer now: a part of it is out of reach. Try again in a moment.',
    ],
    // A guest cannot choose faults that are the control plane's own.
    [
      fault('ADMIN_REQUIRED'),
      400,
      'An error occurred communicating with the guest: User does not have admin privileges.',
    ],
  ])('%s', async (error, status, words) => {
    const { ask } = await withGuest(() => {
      throw error
    })
    const answer = await ask('GET', '/users/u')
    expect([answer.status, message(answer)]).toEqual([status, words])
  })

  test('nobody of that name: 404', async () => {
    const { ask } = await withGuest(() => null)
    expect(message(await ask('GET', '/users/nobody'))).toBe('User nobody cannot be found on the instance.')
  })

  test('whatever a guest answers, the user gets an answer of the right shape or a fault, never a 500', async () => {
    let answer: Json = null
    const { ask } = await withGuest(() => answer)
    const item = fc.record(
      { _name: fc.oneof(fc.string(), fc.integer()), _databases: fc.jsonValue() },
      { requiredKeys: [] },
    )
    const page = fc.tuple(
      fc.array(item),
      fc.oneof(fc.string({ unit: 'binary' }), fc.constant(null), fc.integer()),
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), item, page, fc.array(item)), async (value) => {
        answer = value as Json
        for (const [method, path] of [
          ['GET', '/users'],
          ['GET', '/databases'],
          ['GET', '/users/u'],
          ['GET', '/users/u/databases'],
          ['POST', '/root'],
        ] as const) {
          expect([200, 400, 404]).toContain((await ask(method, path)).status)
        }
      }),
      { numRuns: 100 },
    )
  })
})

test('names reach the guest as they were sent, or are refused with 400, wherever they stand', async () => {
  const { ask, rpc } = await withGuest()
  const tricky = fc.oneof(
    fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }),
    fc.stringMatching(/^[-'"`;\\ %@$.a-z\n]{1,12}$/),
    fc.stringMatching(/^-?[a-z]{1,4}[-@. ]?[a-z0-9]{1,4}$/),
  )
  let passed = 0
  await fc.assert(
    fc.asyncProperty(tricky, async (name) => {
      rpc.sent.length = 0
      if (!name.isWellFormed()) return
      const created = await ask('POST', '/users', { users: [{ name, password: 'p' }] })
      expect([202, 400]).toContain(created.status)
      const deleted = await ask('DELETE', `/users/${encodeURIComponent(name)}@%25`)
      if (created.status === 400) return
      passed += 1
      expect(deleted.status).toBe(202)
      expect(rpc.sent.map((one) => one.args)).toMatchObject([
        { users: [{ _name: name, _host: '%' }] },
        { user: { _name: name, _host: '%' } },
      ])
    }),
    { numRuns: 200 },
  )
  expect(passed).toBeGreaterThan(20)
})

test('root that a guest did not confirm in time counts as enabled: it may have been', async () => {
  const { ask, running, rpc } = await testApi()
  const id = await running()
  rpc.answer = () => {
    throw new CofferError('GUEST_ERROR', 'no')
  }
  expect((await ask('alice', 'POST', `/instances/${id}/root`)).status).toBe(400)
  expect((await ask('alice', 'GET', `/instances/${id}/root`)).body).toEqual({ rootEnabled: false })
  rpc.answer = () => {
    throw new CofferError('RPC_TIMEOUT', 'late', { retryable: true })
  }
  expect((await ask('alice', 'POST', `/instances/${id}/root`)).status).toBe(400)
  expect((await ask('alice', 'GET', `/instances/${id}/root`)).body).toEqual({ rootEnabled: true })
})
