import type { InstanceRow } from '../../db/types.ts'
import { INSTANCE_TASKS, instanceTask } from '../../model/instance-task.ts'
import type { Action, ActionBody, History, Seen, Wanted } from './types.ts'

const UNFINISHED: readonly string[] = ['queued', 'running', 'undoing']
const EMPTY: History = { tasks: [], serverIds: [], volumeIds: [], isDeleted: false }
/** How long a failed delete rests before it is asked for again. */
const DELETE_AGAIN_MS = 300_000

const { NONE, BUILDING, DELETING, REBOOTING } = INSTANCE_TASKS

/** The instance ids whose history {@link compare} needs: those that something looks odd about, few on a good day. */
export function suspects(instances: readonly InstanceRow[], seen: Seen): ReadonlySet<string> {
  const rows = new Map(instances.map((row) => [row.id, row]))
  const odd = new Set<string>()
  for (const row of instances) {
    if (row.task_code !== NONE.code) odd.add(row.id)
    const server = seen.servers.find(({ id }) => id === row.compute_instance_id)
    if (server?.status !== 'ACTIVE') odd.add(row.id)
  }
  for (const { id, instanceId } of seen.servers) {
    if (rows.get(instanceId)?.compute_instance_id !== id) odd.add(instanceId)
  }
  for (const { id, instanceId } of seen.volumes) {
    if (rows.get(instanceId)?.volume_id !== id) odd.add(instanceId)
  }
  for (const instanceId of seen.guests) {
    if ((rows.get(instanceId)?.encrypted_key ?? null) === null) odd.add(instanceId)
  }
  return odd
}

/**
 * Compares what should be there with what is there.
 *
 * What nothing wants any more is removed only when our own journal, or a row marked deleted, proves that this installation
 * made it. Anything else is reported: a database that was restored from yesterday knows nothing of today's instances, and
 * must not destroy them. An instance with an unfinished task is left to that task.
 */
export function compare({ instances, histories }: Wanted, seen: Seen, now: Date): readonly Action[] {
  const rows = new Map(instances.map((row) => [row.id, row]))
  const historyOf = (id: string) => histories.get(id) ?? EMPTY
  const isBusy = (id: string) => historyOf(id).tasks.some(({ state }) => UNFINISHED.includes(state))
  const free = (ids: readonly string[]) => ids.filter((id) => !isBusy(id))

  const orphans = [
    ...seen.servers
      .filter(({ id, instanceId }) => rows.get(instanceId)?.compute_instance_id !== id && !isBusy(instanceId))
      .map(({ id, instanceId }): ActionBody => {
        const history = historyOf(instanceId)
        const ours = history.isDeleted || history.serverIds.includes(id)
        return ours
          ? { do: 'deleteServer', id, instanceId }
          : { do: 'report', what: 'server', id, instanceId }
      }),
    ...seen.volumes
      .filter(({ id, instanceId }) => rows.get(instanceId)?.volume_id !== id && !isBusy(instanceId))
      .map(({ id, instanceId }): ActionBody => {
        const history = historyOf(instanceId)
        const ours = history.isDeleted || history.volumeIds.includes(id)
        return ours
          ? { do: 'deleteVolume', id, instanceId }
          : { do: 'report', what: 'volume', id, instanceId }
      }),
    ...free(seen.guests)
      .filter((id) => (rows.get(id)?.encrypted_key ?? null) === null)
      .map((instanceId): ActionBody => {
        const history = historyOf(instanceId)
        const ours = history.isDeleted || history.tasks.length > 0
        return ours
          ? { do: 'deleteGuest', instanceId }
          : { do: 'report', what: 'guest', id: instanceId, instanceId }
      }),
  ]
  const instanceActions = instances
    .filter(({ id }) => !isBusy(id))
    .flatMap((row) => actionsFor(row, historyOf(row.id), seen, now))
  return [...instanceActions, ...orphans].map((body) => ({ ...body, key: keyOf(body) }))
}

function actionsFor(row: InstanceRow, history: History, seen: Seen, now: Date): readonly ActionBody[] {
  const stuck = stuckAction(row, history, now)
  if (stuck !== undefined) return [stuck]
  if (instanceTask(row.task_code).isError || row.task_code === DELETING.code) return []
  return row.compute_instance_id === null ? [] : serverActions(row, row.compute_instance_id, seen)
}

/** An instance that something is being done to, but no task does it. */
function stuckAction(row: InstanceRow, { tasks }: History, now: Date): ActionBody | undefined {
  const instanceId = row.id
  switch (row.task_code) {
    case DELETING.code: {
      const last = tasks.findLast(({ kind }) => kind === 'delete_instance')
      if (last !== undefined && now.getTime() - last.created.getTime() < DELETE_AGAIN_MS) return undefined
      return { do: 'enqueueDelete', instanceId, tenantId: row.tenant_id }
    }
    case BUILDING.code:
      return {
        do: 'setTask',
        instanceId,
        from: BUILDING.code,
        to: 'BUILDING_ERROR_SERVER',
        fault: 'The task that built this instance is gone',
      }
    case REBOOTING.code:
      return {
        do: 'setTask',
        instanceId,
        from: REBOOTING.code,
        to: 'NONE',
        fault: 'The task that restarted this instance is gone',
      }
    default:
      return undefined
  }
}

function serverActions(row: InstanceRow, serverId: string, seen: Seen): readonly ActionBody[] {
  const server = seen.servers.find(({ id }) => id === serverId)
  // A server that is gone counts as shut down (contract §3.3).
  const serverStatus = server?.status ?? 'SHUTDOWN'
  const addresses = server?.addresses ?? row.addresses
  const actions: ActionBody[] = []
  if (serverStatus !== row.server_status || addresses.join() !== row.addresses.join()) {
    actions.push({ do: 'refresh', instanceId: row.id, serverId, serverStatus })
  }
  if (server === undefined) {
    actions.push({ do: 'report', what: 'serverMissing', id: serverId, instanceId: row.id })
  } else if (server.status === 'SHUTDOWN') {
    actions.push({ do: 'startServer', instanceId: row.id, serverId })
  } else if (server.status === 'ERROR') {
    actions.push({ do: 'resetServer', instanceId: row.id, serverId })
  }
  return actions
}

function keyOf(body: ActionBody): string {
  return 'id' in body ? `${body.do} ${body.id}` : `${body.do} ${body.instanceId}`
}
