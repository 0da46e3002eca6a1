// The same life of an instance on what replaces the embedded parts where one machine is not enough: RabbitMQ for the hub, MariaDB
// for SQLite, each service a process of its own. Debian's client drives it; only the machines are fake.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { connectTransport, transportAdmin } from '../../runtime/transport/index.ts'
import { type MariadbServer, startMariadb } from './mariadb-server.ts'
import { commandsFor, expectCleanLog, type Shown } from './openstack-database-commands.ts'
import { type Service, type ServiceOptions, startService } from './openstack-database-service.ts'
import { type RabbitServer, startRabbit } from './rabbitmq/server.ts'

let mariadb: MariadbServer
let rabbit: RabbitServer
let service: Service
const { openstack, json, becomes, used, pages, registerMysql } = commandsFor(() => service)

beforeAll(async () => {
  ;[mariadb, rabbit] = await Promise.all([startMariadb(), startRabbit()])
})
afterAll(async () => {
  await Promise.all([mariadb?.stop(), rabbit?.stop()])
})

const overRabbit = () => ({
  rabbit: { url: `rabbit://guest:guest@${rabbit.host}:${rabbit.port}/`, adminUrl: rabbit.adminUrl },
})
const onMariadb = async () => ({ databaseUrl: await mariadb.emptyUrl() })

const SHAPES: readonly (readonly [string, () => Promise<ServiceOptions>])[] = [
  ['RabbitMQ as the transport', async () => overRabbit()],
  ['MariaDB as the infrastructure database', onMariadb],
  [
    'RabbitMQ, MariaDB and three processes',
    async () => ({ ...overRabbit(), ...(await onMariadb()), shape: 'three processes' }),
  ],
]

interface Thing {
  readonly name: string
  readonly arguments?: Readonly<Record<string, unknown>>
}

/** Asks RabbitMQ's management API, past all code of ours. */
async function things(path: string): Promise<readonly Thing[]> {
  const { origin, username, password } = new URL(rabbit.adminUrl)
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const response = await fetch(`${origin}/api/${path}`, { headers: { authorization } })
  return (await response.json()) as Thing[]
}

/** What belongs to an instance in RabbitMQ. */
async function ofGuest(id: string): Promise<readonly string[]> {
  const all = [...(await things('users')), ...(await things('queues')), ...(await things('exchanges'))]
  return all.map(({ name }) => name).filter((name) => name.includes(id))
}

/** No instance, and nothing of these that were: no server, no volume, no use of a quota, nothing in RabbitMQ. */
async function isGone(ids: readonly string[]): Promise<void> {
  await expect.poll(() => json('database instance list'), { timeout: 60_000, interval: 200 }).toEqual([])
  expect(await used()).toEqual({ instances: 0, volumes: 0, ram: 0, backups: 0 })
  expect(await service.machines()).toEqual({ servers: 0, volumes: 0 })
  for (const id of ids) expect(await ofGuest(id)).toEqual([])
}

/** After a stop: RabbitMQ's own user and the services' queues. It deletes queues for answers itself, a minute after their reader. */
async function onlyTheServicesAreLeft(): Promise<void> {
  expect((await things('users')).map(({ name }) => name)).toEqual(['guest'])
  const queues = await things('queues')
  const expiring = queues.filter((queue) => queue.arguments?.['x-expires'] === 60_000)
  for (const { name } of expiring) expect(name).toMatch(/^reply\.(api|taskmanager)\./)
  const lasting = queues.filter((queue) => !expiring.includes(queue)).map(({ name }) => name)
  expect(lasting.toSorted()).toEqual(['taskmanager', 'trove-conductor'])
}

describe.each(SHAPES)('with %s', (_, options) => {
  test('an instance is created, used and deleted without a trace', async () => {
    const choice = await options()
    service = await startService(choice)
    onTestFinished(service.stop)
    await registerMysql()
    expect(existsSync(join(service.stateDir, 'trove.sqlite'))).toBe(choice.databaseUrl === undefined)
    const { id } = await json<Shown>(
      'database instance create m1 --flavor 2 --size 2 --datastore mysql --databases shop --users ann:pw-ann',
    )
    await becomes('m1', 'ACTIVE')
    expect(await service.machines()).toEqual({ servers: 1, volumes: 1 })
    expect(await used()).toEqual({ instances: 1, volumes: 2, ram: 2048, backups: 0 })
    expect((await ofGuest(id)).toSorted()).toEqual(
      choice.rabbit === undefined ? [] : [`guest-${id}`, `guestagent.${id}`, `out.${id}`],
    )

    await openstack('database db create m1 stock')
    expect(await json('database db list m1')).toEqual([{ Name: 'shop' }, { Name: 'stock' }])
    await openstack('database user create m1 amy@example.com pw-amy --host % --databases stock')
    await openstack('database user grant access m1 ann stock')
    expect(await json('database user list m1')).toEqual([
      { Name: 'amy@example.com', Host: '%', Databases: 'stock' },
      { Name: 'ann', Host: '%', Databases: 'shop, stock' },
    ])
    expect(await json('database root enable m1')).toMatchObject({ name: 'root' })
    expect(await json('database root show m1')).toEqual({ is_root_enabled: true })
    await openstack('database instance restart m1')
    await becomes('m1', 'ACTIVE')
    expect(await json('database user show access m1 ann')).toHaveLength(2)

    await openstack('database instance delete m1')
    await isGone([id])
    await service.stop()
    expectCleanLog(service, /pw-(ann|amy)/)
    if (choice.rabbit !== undefined) await onlyTheServicesAreLeft()
  })
})

/** The API itself: a person's client asks one thing at a time. */
async function rest() {
  const { id: token } = await json<Shown>('token issue')
  const catalog = await json<{ Type: string; Endpoints: { url: string }[] }[]>('catalog list')
  const url = catalog.find(({ Type }) => Type === 'database')?.Endpoints[0]?.url
  const headers = { 'X-Auth-Token': token, 'Content-Type': 'application/json' }
  return async (method: string, path: string, body?: object): Promise<number> => {
    const content = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(`${url}${path}`, { method, headers, ...content })
    await response.arrayBuffer()
    return response.status
  }
}

const STORM_MS = 300_000

test('two task managers and two conductors share a storm of work, and a broker that dies takes nothing with it', {
  timeout: STORM_MS,
}, async () => {
  service = await startService({ ...overRabbit(), ...(await onMariadb()), shape: 'five processes' })
  onTestFinished(service.stop)
  await registerMysql()
  await openstack('database quota update admin instances 20')
  const ask = await rest()
  const instance = { flavorRef: '1', volume: { size: 1 } }
  for (const storm of ['calm', 'the broker dies']) {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        ask('POST', '/instances', { instance: { ...instance, name: `m${n}` } }),
      ),
    )
    expect([storm, answers.toSorted()]).toEqual([storm, [...Array(20).fill(200), ...Array(10).fill(413)]])
    if (storm !== 'calm') {
      await rabbit.kill()
      await rabbit.launch()
    }
    const statuses = async () => (await pages(6)).map(({ Status }) => Status)
    await expect.poll(statuses, { timeout: 150_000, interval: 200 }).toEqual(Array(20).fill('ACTIVE'))
    expect(await service.machines()).toEqual({ servers: 20, volumes: 20 })
    expect(await used()).toEqual({ instances: 20, volumes: 20, ram: 20 * 512, backups: 0 })

    const ids = (await pages(6)).map(({ ID }) => ID)
    await openstack(`database db create ${ids[0]} shop`)
    expect(await json(`database db list ${ids[0]}`)).toEqual([{ Name: 'shop' }])
    const deleted = await Promise.all(ids.map((id) => ask('DELETE', `/instances/${id}`)))
    expect(deleted).toEqual(Array(20).fill(202))
    await isGone(ids)
  }
  await service.stop()
  expectCleanLog(service, /pw-(ann|amy)/)
  await onlyTheServicesAreLeft()
})

test('a guest whose instance is deleted lets go of its connection, whatever the broker does at that moment', async () => {
  const { url: transportUrl, adminUrl: transportAdminUrl } = overRabbit().rabbit
  const admin = await transportAdmin({
    transportUrl: transportUrl.replace('rabbit', 'amqp'),
    transportAdminUrl,
  })
  const ends = Array.from({ length: 60 }, async (_, n) => {
    const id = `guest-${n}`
    await admin.createGuest(id, 'secret')
    const connection = await connectTransport(admin.guestUrl(id, 'secret'), { clock: systemClock })
    const subscription = await connection.subscribe(`guestagent.${id}`, { prefetch: 1 }, () => undefined)
    const deleted = admin.deleteGuest(id)
    await systemClock.sleep(n)
    await subscription.cancel()
    await connection.close()
    await deleted
  })
  await Promise.all(ends)
  expect((await things('users')).map(({ name }) => name)).toEqual(['guest'])
})
