import { afterEach, describe, expect, test, vi } from 'vitest'
import { CofferError } from '../../../../lib/errors.ts'
import { readEngine } from '../../../../runtime/compute/fake/fake-manager.ts'
import { setFaults } from '../../../../runtime/compute/fake/faults.ts'
import { guestDirectory } from '../../../../runtime/compute/fake/guests.ts'
import { killFakeServer } from '../../../../runtime/compute/fake/index.ts'
import { instanceStatus } from '../../../../runtime/model/instance-status.ts'
import { INSTANCE_TASKS } from '../../../../runtime/model/instance-task.ts'
import { SERVICE_STATUSES } from '../../../../runtime/model/service-status.ts'
import { openWorld, type World, type WorldOptions } from './world.ts'

let world: World
let stop: () => Promise<void> = async () => undefined
async function begin(options: WorldOptions = {}): Promise<void> {
  world = await openWorld(options)
  const manager = await world.start()
  stop = () => manager.stop()
}
afterEach(async () => {
  await stop()
  await world.close()
})

async function statusOf(id: string): Promise<string> {
  const record = await world.db.instances.get(id)
  if (record === undefined) return 'gone'
  return instanceStatus({
    taskCode: record.task_code,
    serviceCode: record.service_code,
    serverStatus: record.server_status,
    backupRunning: false,
  })
}

const NOTHING = { servers: [], volumes: [], guests: [] }

describe('a create', () => {
  test('ends ACTIVE, with one server on one volume, and a database that was prepared as asked', async () => {
    await begin()
    const { id, task } = await world.create()
    expect(await world.ended(task)).toMatchObject({ state: 'done', args: '' })
    expect(await statusOf(id)).toBe('ACTIVE')

    const { servers, volumes, guests } = await world.leftovers()
    expect(servers).toMatchObject([{ instanceId: id, status: 'ACTIVE' }])
    expect(volumes).toMatchObject([{ instanceId: id, status: 'in-use' }])
    expect(guests).toEqual([id])
    const record = await world.db.instances.get(id)
    expect(record).toMatchObject({
      compute_instance_id: servers[0]?.id,
      volume_id: volumes[0]?.id,
      addresses: servers[0]?.addresses,
      fault: null,
    })

    const engine = await readEngine(guestDirectory(world.computeDirectory, servers[0]?.id ?? ''))
    expect(engine).toMatchObject({
      status: 'running',
      configuration: '[mysqld]\nserver_memory = 512\n',
      databases: [{ _name: 'shop' }],
      users: [{ _name: 'amy', _password: 'secret-of-amy' }],
    })
    expect(await world.db.securityGroups.ofInstance(id)).toMatchObject({
      name: `SecGroup_${id}`,
      rules: [{ protocol: 'tcp', from_port: 3306, to_port: 3306, cidr: '0.0.0.0/0' }],
    })
  })

  test('keeps no secret in its journal', async () => {
    await begin()
    const { task } = await world.create()
    await world.ended(task)
    const journal = JSON.stringify(await world.db.tasks.steps(task))
    expect(journal).toContain('serverId')
    expect(journal).not.toMatch(/secret-of-amy|coffer:\/\//)
  })

  test('without a volume keeps the data on the root disk', async () => {
    await begin()
    const { task } = await world.create({ volumeSize: null })
    expect((await world.ended(task)).state).toBe('done')
    expect(await world.compute.listVolumes()).toEqual([])
  })

  test.each([
    ['its volume is refused', { volume: 'refuse' }, 'BUILDING_ERROR_VOLUME', /refuse this volume/],
    ['its volume breaks', { volume: 'error' }, 'BUILDING_ERROR_VOLUME', /volume could not be created/],
    ['its server is refused', { server: 'refuse' }, 'BUILDING_ERROR_SERVER', /refuse this server/],
    ['its server breaks', { server: 'error' }, 'BUILDING_ERROR_SERVER', /fake hypervisor refused it/],
    [
      'its guest cannot set the database up',
      { guest: 'fails' },
      'BUILDING_ERROR_TIMEOUT_GA',
      /told not to start/,
    ],
  ] as const)(
    'ends in ERROR with the reason when %s, and leaves nothing behind',
    async (_, fault, name, reason) => {
      await begin()
      await setFaults(world.computeDirectory, { '*': fault })
      const { id, task } = await world.create()
      expect(await world.ended(task)).toMatchObject({ state: 'failed', args: '' })
      const record = await world.db.instances.get(id)
      expect(record?.task_code).toBe(INSTANCE_TASKS[name].code)
      expect(record?.fault?.message).toMatch(reason)
      expect(record).toMatchObject({ compute_instance_id: null, volume_id: null, encrypted_key: null })
      expect(await statusOf(id)).toBe('ERROR')
      expect(await world.leftovers()).toEqual(NOTHING)
      expect(await world.db.securityGroups.ofInstance(id)).toBeUndefined()
    },
  )

  test('does not wait for a guest whose server has died, and shows the end of its console', async () => {
    await begin({ guests: false })
    const { id, task } = await world.create()
    await expect
      .poll(async () => (await world.compute.listServers())[0]?.status, { timeout: 5000 })
      .toBe('ACTIVE')
    const [server] = await world.compute.listServers()
    await killFakeServer(world.computeDirectory, server?.id ?? '', 'the fake machine lost its power')
    await world.ended(task)
    const record = await world.db.instances.get(id)
    expect(record?.task_code).toBe(INSTANCE_TASKS.BUILDING_ERROR_SERVER.code)
    expect(record?.fault).toMatchObject({
      message: 'The server does not run: the fake machine lost its power',
      details: expect.stringMatching(/Step: service running.*Console:\nfake firmware: booting/s),
    })
    expect(await world.leftovers()).toEqual(NOTHING)
  })

  test('gives a silent guest up after usage_timeout, and says what it waited for', async () => {
    await begin({ guests: false, usageTimeout: 0.3 })
    const { id, task } = await world.create()
    await world.ended(task)
    const record = await world.db.instances.get(id)
    expect(record).toMatchObject({
      task_code: INSTANCE_TASKS.BUILDING_ERROR_TIMEOUT_GA.code,
      service_code: SERVICE_STATUSES.FAILED_TIMEOUT_GUESTAGENT.code,
    })
    expect(record?.fault?.message).toBe(
      'Timed out waiting until the guest agent reports that the database runs',
    )
    expect(await world.leftovers()).toEqual(NOTHING)
  })

  test('resets a guest that hangs while it boots, once', async () => {
    await begin({ guests: false, usageTimeout: 1.5 })
    const reboot = world.compute.rebootServer
    const reset = vi.spyOn(world.compute, 'rebootServer').mockImplementation(async (id) => {
      await reboot(id)
      await world.startGuests()
    })
    const { task } = await world.create()
    expect((await world.ended(task)).state).toBe('done')
    expect(reset.mock.calls).toEqual((await world.compute.listServers()).map(({ id }) => [id]))
  })

  test('tries again what is worth another try', async () => {
    let refusals = 3
    const busy = new CofferError('IMAGE_BUSY', 'The image is being written', { retryable: true })
    await begin({
      deps: {
        images: {
          async locate() {
            if (refusals-- > 0) throw busy
            return { path: '/nowhere', format: 'raw' }
          },
        },
      },
    })
    const { task } = await world.create()
    expect((await world.ended(task)).state).toBe('done')
    expect(await world.compute.listServers()).toHaveLength(1)
  })

  test('is withdrawn by a delete, which does not wait for it', async () => {
    await begin({ guests: false })
    const { id, task } = await world.create()
    await expect.poll(() => world.compute.listServers(), { timeout: 5000 }).toHaveLength(1)
    const deletion = await world.delete(id)
    expect((await world.ended(deletion)).state).toBe('done')
    expect(await world.ended(task)).toMatchObject({ state: 'failed', errorCode: 'TASK_CANCELLED' })
    expect(await statusOf(id)).toBe('gone')
    expect(await world.leftovers()).toEqual(NOTHING)
  })
})

describe('a delete', () => {
  test('leaves nothing of an instance', async () => {
    await begin()
    const { id, task } = await world.create()
    await world.ended(task)
    expect((await world.ended(await world.delete(id))).state).toBe('done')
    expect(await world.leftovers()).toEqual(NOTHING)
    expect(await world.db.instances.get(id)).toBeUndefined()
    expect(await world.db.instances.get(id, { deleted: true })).toMatchObject({
      deleted: true,
      service_code: SERVICE_STATUSES.DELETED.code,
    })
    expect(await world.db.securityGroups.ofInstance(id)).toBeUndefined()
    for (const usage of await world.db.quotas.usages('tenant-a', {})) expect(usage.in_use).toBe(0)
  })

  test('works on an instance whose create failed', async () => {
    await begin()
    await setFaults(world.computeDirectory, { '*': { server: 'refuse' } })
    const { id, task } = await world.create()
    await world.ended(task)
    expect((await world.ended(await world.delete(id))).state).toBe('done')
    expect(await statusOf(id)).toBe('gone')
    expect(await world.leftovers()).toEqual(NOTHING)
  })

  test('that the machines refuse says so, and succeeds once they do not', async () => {
    await begin()
    const { id, task } = await world.create()
    await world.ended(task)
    await setFaults(world.computeDirectory, { '*': { deletes: 'refuse' } })
    expect((await world.ended(await world.delete(id))).state).toBe('failed')
    expect((await world.db.instances.get(id))?.fault?.message).toMatch(/refuse this delete/)
    expect(await world.compute.listServers()).toHaveLength(1)
    await setFaults(world.computeDirectory, {})
    expect((await world.ended(await world.enqueue('delete_instance', id, {}))).state).toBe('done')
    expect(await world.leftovers()).toEqual(NOTHING)
  })
})

describe('a restart', () => {
  test('restarts the database and frees the instance', async () => {
    await begin()
    const { id, task } = await world.create()
    await world.ended(task)
    await world.db.instances.update(id, { task_code: INSTANCE_TASKS.REBOOTING.code })
    await world.db.statuses.set(id, SERVICE_STATUSES.SHUTDOWN.code)
    expect((await world.ended(await world.enqueue('restart', id, {}))).state).toBe('done')
    expect(await statusOf(id)).toBe('ACTIVE')
  })

  test('of a guest that does not answer frees the instance too, with a fault that says why', async () => {
    await begin({ guests: false, usageTimeout: 0.2 })
    const { id, task } = await world.create()
    await world.ended(task)
    await world.db.instances.update(id, { task_code: INSTANCE_TASKS.REBOOTING.code })
    await world.ended(await world.enqueue('restart', id, {}))
    const record = await world.db.instances.get(id)
    expect(record?.task_code).toBe(INSTANCE_TASKS.NONE.code)
    expect(record?.fault?.details).toMatch(/Step: database restarted/)
  })
})

test('a reboot restarts the server, and the database reports again', async () => {
  await begin()
  const { id, task } = await world.create()
  await world.ended(task)
  await world.db.instances.update(id, { task_code: INSTANCE_TASKS.REBOOTING.code })
  expect((await world.ended(await world.enqueue('reboot', id, {}))).state).toBe('done')
  await expect.poll(() => statusOf(id), { timeout: 3000 }).toBe('ACTIVE')
  const [server] = await world.compute.listServers()
  expect(await world.compute.consoleTail(server?.id ?? '', 4096)).toContain('boot 2, agent starting')
})

test('tasks of several instances are carried at once, those of one in order', async () => {
  await begin()
  const made = await Promise.all([1, 2, 3, 4].map(() => world.create()))
  const deletions = await Promise.all(made.map(({ id }) => world.delete(id)))
  for (const task of [...made.map(({ task: create }) => create), ...deletions]) await world.ended(task)
  expect(await world.leftovers()).toEqual(NOTHING)
  for (const { id } of made) expect(await statusOf(id)).toBe('gone')
})
