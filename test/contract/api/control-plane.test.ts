import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { buildApi } from '../../../runtime/api/index.ts'
import type { TokenValidator } from '../../../runtime/identity/types.ts'
import { FLAVOR } from '../../integration/kill/settings.ts'
import { openWorld } from '../../unit/runtime/taskmanager/world.ts'

const identity: TokenValidator = {
  validate: async () => ({
    userId: 'amy',
    userName: 'amy',
    projectId: 'shop',
    projectName: 'shop',
    roles: ['member'],
    isAdmin: false,
    expiresAt: new Date('2100-01-01T00:00:00Z'),
  }),
  close: async () => undefined,
}

/** The service on the real task manager, conductor, hub, RPC and guest agents; only the machines are fake. */
async function realControlPlane() {
  const world = await openWorld()
  const taskManager = await world.start()
  const { db, rpc, deps, seal } = world
  const { settings, clock } = deps
  const log = pino({ level: 'silent' })
  const app = await buildApi({ db, rpc, identity, flavors: async () => [FLAVOR], settings, clock, seal, log })
  onTestFinished(async () => {
    await app.close()
    await taskManager.stop()
    await world.close()
  })
  const ask = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, payload?: object) => {
    const url = `/v1.0/shop${path}`
    const answer = await app.inject({
      method,
      url,
      headers: { 'x-auth-token': 't' },
      ...(payload && { payload }),
    })
    return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json() }
  }
  return { ask, world }
}

test('an instance is created, used, restarted and deleted, all through the API', {
  timeout: 30_000,
}, async () => {
  const { ask, world } = await realControlPlane()
  const instance = {
    name: 'm1',
    flavorRef: FLAVOR.id,
    volume: { size: 1 },
    datastore: { type: 'mysql', version: '9.7' },
    databases: [{ name: 'shop' }],
    users: [{ name: 'amy', password: `p'"\\;-- ü`, databases: [{ name: 'shop' }] }],
  }
  const created = await ask('POST', '/instances', { instance })
  expect(created.status).toBe(200)
  const path = `/instances/${created.body.instance.id}`
  const becomes = (word: string) =>
    expect
      .poll(async () => (await ask('GET', path)).body.instance?.status, { timeout: 10_000, interval: 20 })
      .toBe(word)
  await becomes('ACTIVE')
  await expect
    .poll(async () => (await ask('GET', path)).body.instance.volume.used, { timeout: 5000 })
    .toBeDefined()

  expect((await ask('GET', `${path}/databases`)).body.databases).toEqual([{ name: 'shop' }])
  expect((await ask('GET', `${path}/users/amy`)).body).toEqual({
    user: { name: 'amy', host: '%', databases: [{ name: 'shop' }] },
  })
  expect(
    (await ask('POST', `${path}/users`, { users: [{ name: 'a@b.c', password: 'p', host: '10.0.0.%' }] }))
      .status,
  ).toBe(202)
  expect((await ask('GET', `${path}/users/${encodeURIComponent('a@b.c')}@10.0.0.%25`)).body.user.host).toBe(
    '10.0.0.%',
  )
  expect((await ask('POST', `${path}/users`, { users: [{ name: 'amy', password: 'p' }] })).status).toBe(400)
  expect((await ask('GET', `${path}/users/nobody`)).status).toBe(404)
  expect((await ask('DELETE', `${path}/users/amy/databases/none`)).status).toBe(404)
  expect((await ask('POST', `${path}/root`)).body.user.password.length).toBeGreaterThan(10)
  expect((await ask('GET', `${path}/root`)).body).toEqual({ rootEnabled: true })

  expect((await ask('POST', `${path}/action`, { restart: {} })).status).toBe(202)
  await becomes('ACTIVE')
  expect((await ask('DELETE', path)).status).toBe(202)
  await expect.poll(async () => (await ask('GET', path)).status, { timeout: 10_000, interval: 20 }).toBe(404)
  expect(await world.leftovers()).toEqual({ servers: [], volumes: [], guests: [] })
  const usages = await world.db.quotas.usages('shop', {})
  expect(usages.every((usage) => usage.in_use === 0)).toBe(true)
})

test('a guest that is gone is a fault, not an error of the service', async () => {
  const { ask, world } = await realControlPlane()
  const own = await ask('POST', '/instances', {
    instance: {
      name: 'm2',
      flavorRef: FLAVOR.id,
      volume: { size: 1 },
      datastore: { type: 'mysql', version: '9.7' },
    },
  })
  const path = `/instances/${own.body.instance.id}`
  await expect
    .poll(async () => (await ask('GET', path)).body.instance.status, { timeout: 10_000 })
    .toBe('ACTIVE')
  // Its row says that it runs, and its queue is gone.
  await world.hub.admin.deleteGuest(own.body.instance.id)
  const { status, body } = await ask('GET', `${path}/users`)
  expect(status).toBe(400)
  expect(body.badRequest.message).toMatch(/guest/i)
})
