import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { systemClock } from '../../../../lib/clock.ts'
import { sealer } from '../../../../lib/seal.ts'
import { removeTree } from '../../../../lib/tree.ts'
import { openRegistryDatabase } from '../../../../registry/db/index.ts'
import { startFleet } from '../../../../runtime/compute/fake/guests.ts'
import { openFakeCompute } from '../../../../runtime/compute/fake/index.ts'
import { startConductor } from '../../../../runtime/conductor/index.ts'
import { openDatabase } from '../../../../runtime/db/index.ts'
import { INSTANCE_TASKS } from '../../../../runtime/model/instance-task.ts'
import type { CreateInstanceArgs, TaskArgs, TaskKind } from '../../../../runtime/model/task-args.ts'
import { rpcClient } from '../../../../runtime/rpc/index.ts'
import { startTaskManager, type TaskManagerDeps } from '../../../../runtime/taskmanager/index.ts'
import { startHub } from '../../../../runtime/transport/embedded/index.ts'
import { silentLog } from '../../../../runtime/transport/log.ts'
import { FLAVOR, FLOW_TIMINGS, testSettings } from '../../../integration/kill/settings.ts'

/** What a test may change of its world. */
export interface WorldOptions {
  readonly deps?: Partial<TaskManagerDeps>
  /** Options of the datastore that all instances have. */
  readonly usageTimeout?: number
  /** False: no guest boots until `startGuests`. */
  readonly guests?: boolean
}

export type World = Awaited<ReturnType<typeof openWorld>>

/**
 * A whole control plane but the API, in this process: the real database (SQLite in a file), the real hub, conductor, RPC and
 * guest agents; only the machines are fake.
 */
export async function openWorld(options: WorldOptions = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-world-'))
  const url = `sqlite://${directory}/trove.sqlite`
  const clock = systemClock
  const log = silentLog
  const db = await openDatabase(url, { clock })
  const registry = await openRegistryDatabase(url)
  await registry.datastores.putDatastore('mysql')
  const version = await registry.datastores.putVersion({
    datastore: 'mysql',
    name: '9.7',
    manager: 'mysql',
    image_id: 'image-1',
    packages: '',
    active: true,
  })
  await registry.close()
  const seal = sealer(randomBytes(32))
  const hub = await startHub({
    host: '127.0.0.1',
    port: 0,
    store: db.messages,
    secretOf: async () => undefined,
    sealer: seal,
    clock,
    log,
  })
  const computeDirectory = join(directory, 'compute')
  const compute = await openFakeCompute(computeDirectory, { clock, bootMs: 20, volumeMs: 10 })
  let fleet: Awaited<ReturnType<typeof startFleet>> | undefined
  async function startGuests(): Promise<void> {
    fleet ??= await startFleet({
      directory: computeDirectory,
      clock,
      log,
      lookMs: 20,
      connect: async (_, instanceId) => hub.connection({ kind: 'guest', instanceId }),
    })
  }
  if (options.guests !== false) await startGuests()
  const connection = hub.connection({ kind: 'control', name: 'test' })
  const conductor = await startConductor({ db, connection, clock, log, batchDelayMs: 5 })
  const rpc = rpcClient(connection, { name: 'test', clock })
  const settings = testSettings(
    options.usageTimeout === undefined ? {} : { usageTimeout: options.usageTimeout },
  )
  const deps: TaskManagerDeps = {
    db,
    connection,
    compute,
    rpc,
    admin: hub.admin,
    images: { locate: async (id) => ({ path: `/nowhere/${id}.qcow2`, format: 'qcow2' }) },
    renderConfig: ({ flavor }) => `[mysqld]\nserver_memory = ${flavor.ram}\n`,
    settings,
    seal,
    clock,
    log,
    timings: FLOW_TIMINGS,
    ...options.deps,
  }

  async function enqueue<Kind extends TaskKind>(kind: Kind, instanceId: string, args: TaskArgs[Kind]) {
    const id = randomUUID()
    await db.tasks.enqueue({
      id,
      kind,
      instanceId,
      tenantId: 'tenant-a',
      args: seal.seal(JSON.stringify(args)),
    })
    return id
  }

  return {
    directory,
    computeDirectory,
    db,
    hub,
    compute,
    conductor,
    rpc,
    deps,
    seal,
    start: (more: Partial<TaskManagerDeps> = {}) => startTaskManager({ ...deps, ...more }),
    enqueue,
    /** Lets guests boot in a world that began without. */
    startGuests,

    /** What the API does for a create. @returns the instance's and the task's id */
    async create(patch: Partial<CreateInstanceArgs> = {}): Promise<{ id: string; task: string }> {
      const id = randomUUID()
      const args: CreateInstanceArgs = {
        flavor: FLAVOR,
        databases: [{ _name: 'shop' }],
        users: [{ _name: 'amy', _password: 'secret-of-amy' }],
        imageId: 'image-1',
        packages: [],
        datastore: {
          id: version.datastore_id,
          name: 'mysql',
          versionId: version.id,
          versionName: '9.7',
          manager: 'mysql',
        },
        volumeSize: 1,
        ...patch,
      }
      await db.quotas.change('tenant-a', { instances: 1, volumes: args.volumeSize ?? 0, ram: FLAVOR.ram }, {})
      await db.instances.create({
        id,
        name: 'm1',
        tenant_id: 'tenant-a',
        flavor_id: FLAVOR.id,
        volume_size: args.volumeSize,
        datastore_version_id: version.id,
        task_code: INSTANCE_TASKS.BUILDING.code,
        created: clock.now(),
      })
      return { id, task: await enqueue('create_instance', id, args) }
    },

    /** What the API does for a delete. */
    async delete(id: string): Promise<string> {
      await db.instances.update(id, { task_code: INSTANCE_TASKS.DELETING.code })
      await db.quotas.change('tenant-a', { instances: -1, volumes: -1, ram: -FLAVOR.ram }, {})
      return enqueue('delete_instance', id, {})
    },

    /** Waits until a task has ended. */
    async ended(task: string, timeout = 8000) {
      await expect
        .poll(async () => (await db.tasks.get(task))?.state, { timeout, interval: 10 })
        .toMatch(/done|failed/)
      const record = await db.tasks.get(task)
      if (record === undefined) throw new Error('the task is gone')
      return record
    },

    /** Everything that machines, volumes and queues are left of. */
    async leftovers() {
      return {
        servers: await compute.listServers(),
        volumes: await compute.listVolumes(),
        guests: await hub.admin.listGuests(),
      }
    },

    async close() {
      await fleet?.stop()
      await conductor.stop()
      await rpc.close()
      await hub.close()
      await db.close()
      await removeTree(directory)
    },
  }
}
