import { describe, expect, test } from 'vitest'
import type { ServerState, VolumeState } from '../../../../runtime/compute/types.ts'
import type { InstanceRow } from '../../../../runtime/db/types.ts'
import { INSTANCE_TASKS } from '../../../../runtime/model/instance-task.ts'
import { compare, suspects } from '../../../../runtime/taskmanager/reconcile/compare.ts'
import { openPatience } from '../../../../runtime/taskmanager/reconcile/patience.ts'
import type { History, Seen } from '../../../../runtime/taskmanager/reconcile/types.ts'

const now = new Date(10_000_000)
const row = (id: string, patch: Partial<InstanceRow> = {}): InstanceRow => ({
  id,
  name: id,
  tenant_id: 'tenant-a',
  task_code: INSTANCE_TASKS.NONE.code,
  created: now,
  updated: now,
  deleted: false,
  deleted_at: null,
  hostname: null,
  compute_instance_id: `server-${id}`,
  volume_id: `volume-${id}`,
  volume_size: 1,
  flavor_id: '2',
  server_status: 'ACTIVE',
  datastore_version_id: 'v1',
  configuration_id: null,
  slave_of_id: null,
  cluster_id: null,
  shard_id: null,
  type: null,
  region_id: null,
  addresses: ['198.18.0.1'],
  encrypted_key: 'sealed',
  access: null,
  ...patch,
})
const server = (id: string, patch: Partial<ServerState> = {}): ServerState => ({
  id: `server-${id}`,
  instanceId: id,
  name: id,
  status: 'ACTIVE',
  addresses: ['198.18.0.1'],
  ...patch,
})
const volume = (id: string): VolumeState => ({
  id: `volume-${id}`,
  instanceId: id,
  sizeGb: 1,
  status: 'in-use',
})
const whole = (...ids: string[]): Seen => ({
  servers: ids.map((id) => server(id)),
  volumes: ids.map(volume),
  guests: ids,
})
const at = (seconds: number) => new Date(seconds * 1000)
const NOTHING: Seen = { servers: [], volumes: [], guests: [] }
const task = (kind: string, state: History['tasks'][number]['state'], created = new Date(0)) => ({
  kind,
  state,
  created,
})
const history = (patch: Partial<History> = {}): History => ({
  tasks: [],
  serverIds: [],
  volumeIds: [],
  isDeleted: false,
  ...patch,
})

function actions(instances: readonly InstanceRow[], seen: Seen, known: Record<string, History> = {}) {
  const odd = suspects(instances, seen)
  for (const id of Object.keys(known)) expect(odd, 'the history is asked for').toContain(id)
  const histories = new Map(Object.entries(known))
  return compare({ instances, histories }, seen, now).map(({ key, ...action }) => action)
}

describe('what is wanted and there', () => {
  test('needs nothing, not even a look at its history', () => {
    expect(suspects([row('a'), row('b')], whole('a', 'b'))).toEqual(new Set())
    expect(actions([row('a'), row('b')], whole('a', 'b'))).toEqual([])
  })

  test('is refreshed when the server has another state or address than the row says', () => {
    const seen = { ...whole('a'), servers: [server('a', { addresses: ['198.18.0.9'] })] }
    expect(actions([row('a')], seen)).toEqual([
      { do: 'refresh', instanceId: 'a', serverId: 'server-a', serverStatus: 'ACTIVE' },
    ])
  })

  test('is started again when the machine was down', () => {
    const seen = { ...whole('a'), servers: [server('a', { status: 'SHUTDOWN' })] }
    expect(actions([row('a')], seen)).toEqual([
      { do: 'refresh', instanceId: 'a', serverId: 'server-a', serverStatus: 'SHUTDOWN' },
      { do: 'startServer', instanceId: 'a', serverId: 'server-a' },
    ])
  })

  test('is reset when its server stays in error, but not for one bad answer', () => {
    const seen = { ...whole('a'), servers: [server('a', { status: 'ERROR' })] }
    const found = compare(
      { instances: [row('a', { server_status: 'ERROR' })], histories: new Map() },
      seen,
      now,
    )
    expect(found).toMatchObject([{ do: 'resetServer', instanceId: 'a', serverId: 'server-a' }])
    const patience = openPatience(60_000)
    expect([0, 30, 60].map((seconds) => patience.due(found, at(seconds)).length)).toEqual([0, 0, 1])
  })

  test('is reported, not made anew, when its server is gone', () => {
    const seen = { ...whole('a'), servers: [] }
    expect(actions([row('a')], seen)).toContainEqual({
      do: 'report',
      what: 'serverMissing',
      id: 'server-a',
      instanceId: 'a',
    })
  })
})

describe('what nobody wants any more', () => {
  test('is removed when a row says that its instance was deleted', () => {
    expect(actions([], whole('a'), { a: history({ isDeleted: true }) })).toEqual([
      { do: 'deleteServer', id: 'server-a', instanceId: 'a' },
      { do: 'deleteVolume', id: 'volume-a', instanceId: 'a' },
      { do: 'deleteGuest', instanceId: 'a' },
    ])
  })

  test('is removed when our own journal chose its id, as after an undo that failed', () => {
    const failed = row('a', {
      task_code: INSTANCE_TASKS.BUILDING_ERROR_SERVER.code,
      compute_instance_id: null,
      volume_id: null,
      encrypted_key: null,
    })
    const known = {
      a: history({
        tasks: [task('create_instance', 'failed')],
        serverIds: ['server-a'],
        volumeIds: ['volume-a'],
      }),
    }
    expect(actions([failed], whole('a'), known).map((action) => action.do)).toEqual([
      'deleteServer',
      'deleteVolume',
      'deleteGuest',
    ])
  })

  test('is left to an unfinished task', () => {
    const building = row('a', { task_code: INSTANCE_TASKS.BUILDING.code, compute_instance_id: null })
    const known = { a: history({ tasks: [task('create_instance', 'running')], serverIds: ['server-a'] }) }
    expect(actions([building], whole('a'), known)).toEqual([])
  })

  test('is reported, and stays, when nothing here knows it: the database may be older than the servers', () => {
    expect(actions([], whole('a'))).toEqual([
      { do: 'report', what: 'server', id: 'server-a', instanceId: 'a' },
      { do: 'report', what: 'volume', id: 'volume-a', instanceId: 'a' },
      { do: 'report', what: 'guest', id: 'a', instanceId: 'a' },
    ])
  })
})

describe('an instance that something is being done to, but no task does it', () => {
  test('in deletion is deleted, though not again and again at once', () => {
    const deleting = row('a', { task_code: INSTANCE_TASKS.DELETING.code })
    expect(actions([deleting], whole('a'), { a: history() })).toEqual([
      { do: 'enqueueDelete', instanceId: 'a', tenantId: 'tenant-a' },
    ])
    const justFailed = history({ tasks: [task('delete_instance', 'failed', new Date(now.getTime() - 1000))] })
    expect(actions([deleting], whole('a'), { a: justFailed })).toEqual([])
  })

  test('in build is marked failed, with a reason', () => {
    const building = row('a', {
      task_code: INSTANCE_TASKS.BUILDING.code,
      compute_instance_id: null,
      volume_id: null,
      encrypted_key: null,
    })
    expect(actions([building], NOTHING, { a: history() })).toEqual([
      expect.objectContaining({ do: 'setTask', to: 'BUILDING_ERROR_SERVER', fault: expect.any(String) }),
    ])
  })

  test('in restart is free again', () => {
    const restarting = row('a', { task_code: INSTANCE_TASKS.REBOOTING.code })
    const known = { a: history({ tasks: [task('restart', 'failed')] }) }
    expect(actions([restarting], whole('a'), known)).toEqual([
      expect.objectContaining({ do: 'setTask', to: 'NONE' }),
    ])
  })
})

describe('patience', () => {
  const orphan = { do: 'deleteServer', id: 's', instanceId: 'a', key: 'deleteServer s' } as const

  test('what looks wrong is acted on after the grace period only, and only if it lasted', () => {
    const patience = openPatience(60_000)
    expect(patience.due([orphan], at(0))).toEqual([])
    expect(patience.due([orphan], at(30))).toEqual([])
    expect(patience.due([], at(45))).toEqual([])
    expect(patience.due([orphan], at(61))).toEqual([])
    expect(patience.due([orphan], at(122))).toEqual([orphan])
  })

  test('what did not help is tried again, ever more rarely', () => {
    const patience = openPatience(60_000)
    const tries = Array.from({ length: 120 }, (_, pass) => pass * 30).filter(
      (seconds) => patience.due([orphan], at(seconds)).length > 0,
    )
    expect(tries).toEqual([60, 180, 420, 900, 1860])
  })

  test('guests are started at once after the machine was down', () => {
    const start = { do: 'startServer', instanceId: 'a', serverId: 's', key: 'startServer a' } as const
    expect(openPatience(60_000).due([start], at(0))).toEqual([start])
  })
})
