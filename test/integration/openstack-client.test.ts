// Debian's unmodified python3-openstackclient with python3-troveclient (8.0.0) against the services: a real identity, API, task
// manager, conductor, hub and guest agents. Only the machines are fake.
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'
import { buildApi } from '../../runtime/api/index.ts'
import { startIdentity } from '../../runtime/identity/index.ts'
import { openWorld, type World } from '../unit/runtime/taskmanager/world.ts'
import { FLAVOR } from './kill/settings.ts'

let world: World
let environment: Record<string, string>
const endings: (() => Promise<unknown>)[] = []

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

beforeAll(async () => {
  world = await openWorld()
  const taskManager = await world.start()
  const { db, rpc, seal, deps } = world
  const { clock } = deps
  await db.datastores.putDatastore('mysql', '9.7')
  const stateDir = await mkdtemp(join(tmpdir(), 'coffer-client-'))
  const ports = { bindPort: await freePort(), identityBindPort: await freePort() }
  const settings = { ...deps.settings, ...ports, stateDir }
  const log = pino({ level: 'silent' })
  const identity = await startIdentity({ settings, key: randomBytes(32), clock, log })
  const flavors = async () => [FLAVOR]
  const api = {
    db,
    rpc,
    identity: identity.validator,
    flavors,
    settings,
    clock,
    seal,
    log,
    registry: db.datastores,
  }
  const app = await buildApi(api)
  await app.listen({ host: settings.bindHost, port: settings.bindPort })
  const exports = (await readFile(identity.openrc, 'utf8')).matchAll(/^export (\w+)=['"]?(.*?)['"]?$/gm)
  const variables = Object.fromEntries([...exports].map(([, name = '', value = '']) => [name, value]))
  environment = { PATH: process.env.PATH ?? '', HOME: stateDir, LC_ALL: 'C.UTF-8', ...variables }
  endings.push(
    () => app.close(),
    identity.stop,
    () => taskManager.stop(),
    world.close,
    () => removeTree(stateDir),
  )
})

afterAll(async () => {
  for (const end of endings) await end()
})

async function client(words: string) {
  const { exitCode, stdout, stderr } = await run(['openstack', ...words.split(' ')], {
    env: environment,
    check: false,
    timeoutMs: 60_000,
  })
  return { exitCode, stdout, stderr }
}

/** A command that must succeed; what it prints as JSON, or undefined when it prints nothing. */
async function openstack(words: string, format: 'json' | 'silent' = 'json') {
  const { exitCode, stdout, stderr } = await client(format === 'json' ? `${words} -f json` : words)
  expect(exitCode, `${words}: ${stderr}`).toBe(0)
  return format === 'json' ? JSON.parse(stdout) : undefined
}

describe('the openstack command', () => {
  test('shows what there is to choose from', async () => {
    expect(await openstack('datastore list')).toMatchObject([{ Name: 'mysql' }])
    expect(await openstack('datastore show mysql')).toMatchObject({ name: 'mysql', default_version: '9.7' })
    expect(await openstack('datastore version show 9.7 --datastore mysql')).toMatchObject({
      name: '9.7',
      active: true,
    })
    expect(await openstack(`database flavor show ${FLAVOR.name}`)).toMatchObject({ id: 1, ram: 512 })
    expect(await openstack('database quota show admin')).toContainEqual({
      Resource: 'ram',
      'In Use': 0,
      Reserved: 0,
      Limit: -1,
    })
    expect(await openstack('database quota update admin instances 7')).toEqual({ instances: 7 })
    expect((await client('database limit list')).stdout).toMatch(/max_instances +\| 7 /)
  })

  test('creates an instance, and says what became of it', async () => {
    const created = await openstack(
      `database instance create m1 --flavor ${FLAVOR.name} --size 1 --datastore mysql --databases db1 --users u1:p1 --nic net-id=any`,
    )
    expect(created).toMatchObject({ name: 'm1', status: 'BUILD', volume: 1, flavor: '1' })
    await world.ended((await world.db.tasks.ofInstance(created.id))[0]?.id ?? '')
    expect(await openstack('database instance show m1')).toMatchObject({
      status: 'ACTIVE',
      datastore: 'mysql',
    })
    expect(await openstack('database instance list')).toMatchObject([{ Name: 'm1', Role: '' }])
    expect(await openstack('database instance list --all-projects')).toMatchObject([{ Name: 'm1' }])
  })

  test('keeps its databases, users and root', async () => {
    await openstack('database db create m1 db2', 'silent')
    expect(await openstack('database db list m1')).toEqual([{ Name: 'db1' }, { Name: 'db2' }])
    await openstack('database db delete m1 db2', 'silent')
    await openstack('database user create m1 u.two pass --host 10.0.0.1 --databases db1', 'silent')
    expect(await openstack('database user show m1 u.two --host 10.0.0.1')).toMatchObject({
      name: 'u.two',
      host: '10.0.0.1',
    })
    expect(await openstack('database user show access m1 u1')).toEqual([{ Name: 'db1' }])
    await openstack('database user revoke access m1 u1 db1', 'silent')
    await openstack('database user grant access m1 u1 db1', 'silent')
    await openstack('database user update attributes m1 u1 --new_password other', 'silent')
    await openstack('database user delete m1 u1', 'silent')
    expect(await openstack('database user list m1')).toMatchObject([{ Name: 'u.two', Host: '10.0.0.1' }])
    expect(await openstack('database root enable m1')).toMatchObject({ name: 'root' })
    expect(await openstack('database root show m1')).toEqual({ is_root_enabled: true })
    await openstack('database root disable m1', 'silent')
  })

  test('renames and restarts it, and shows its configuration', async () => {
    await openstack('database instance update m1 --name m2', 'silent')
    await openstack('database instance restart m2', 'silent')
    expect(await openstack('database configuration default m2')).toMatchObject({ port: '3306' })
  })

  test('says in plain words what is not there', async () => {
    expect((await client('database instance show nobody')).stderr).toContain(
      "No instance with a name or ID of 'nobody' exists.",
    )
    expect((await client('database instance resize volume m2 5')).stderr).toContain(
      'is not implemented by this service yet',
    )
    for (const family of ['configuration', 'backup', 'cluster']) {
      expect(await openstack(`database ${family} list`)).toEqual([])
    }
  })

  test('deletes it without a trace', async () => {
    await expect
      .poll(async () => (await openstack('database instance show m2')).status, { timeout: 20_000 })
      .toBe('ACTIVE')
    await openstack('database instance delete m2', 'silent')
    await expect.poll(() => openstack('database instance list'), { timeout: 20_000 }).toEqual([])
    expect(await world.leftovers()).toEqual({ servers: [], volumes: [], guests: [] })
  })
})
