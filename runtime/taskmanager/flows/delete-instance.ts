import { SERVICE_STATUSES } from '../../model/service-status.ts'
import type { DeleteInstanceArgs } from '../../model/task-args.ts'
import { guestQueue } from '../../transport/types.ts'
import { usageEvent } from '../events.ts'
import { failureDetails } from '../flow/failure.ts'
import type { Flow, Step, StepContext } from '../flow/types.ts'
import { resourcesOf } from '../resources.ts'
import type { Services } from '../services.ts'
import { serverGone } from '../steps/server.ts'

type DeleteStep = Step<DeleteInstanceArgs>
type Context = StepContext<DeleteInstanceArgs>

/** A database that is given no time to write its pages is worse off than a user who waits so long, but no longer. */
const STOP_MS = 15_000

/** Asks a living guest to stop its database in order; the data may be in use by a snapshot or a replica. */
const databaseStopped: DeleteStep = {
  name: 'database stopped',
  deadlineMs: () => STOP_MS,
  bestEffort: true,
  async run({ services, task, signal }) {
    if (!(await guestIsAlive(services, task.instanceId))) return undefined
    await services.rpc.call(
      guestQueue(task.instanceId),
      'stop_db',
      { do_not_start_on_reboot: true },
      { timeoutMs: STOP_MS, signal },
    )
    return undefined
  },
}

async function guestIsAlive({ db, settings, clock }: Services, instanceId: string): Promise<boolean> {
  const row = await db.instances.get(instanceId)
  const status = await db.statuses.get(instanceId)
  if (row?.server_status !== 'ACTIVE' || status?.updated == null) return false
  if (status.code !== SERVICE_STATUSES.RUNNING.code && status.code !== SERVICE_STATUSES.HEALTHY.code)
    return false
  return clock.now().getTime() - status.updated.getTime() < settings.agentHeartbeatExpiry * 1000
}

const serverDeleted: DeleteStep = {
  name: 'server deleted',
  deadlineMs: ({ settings }) => settings.serverDeleteTimeOut * 1000,
  async run({ services, task, wait }) {
    for (const id of (await resourcesOf(services, task.instanceId)).serverIds) {
      await services.compute.deleteServer(id)
      await wait(serverGone(services, id))
    }
    await services.db.instances.update(task.instanceId, { server_status: 'DELETED', addresses: [] })
    return undefined
  },
}

const volumeDeleted: DeleteStep = {
  name: 'volume deleted',
  deadlineMs: ({ settings }) => settings.volumeTimeOut * 1000,
  async run({ services, task, wait }) {
    for (const id of (await resourcesOf(services, task.instanceId)).volumeIds) {
      await services.compute.deleteVolume(id)
      await wait({
        until: 'the volume is gone',
        hint: 'See whether the compute driver answers, and whether something else still uses the volume.',
        probe: async () => ((await services.compute.getVolume(id)) === undefined ? true : undefined),
      })
    }
    return undefined
  },
}

const quick: DeleteStep['deadlineMs'] = ({ settings }) => settings.agentCallHighTimeout * 1000

const credentialRemoved: DeleteStep = {
  name: 'guest credential removed',
  deadlineMs: quick,
  async run({ services, task }) {
    await services.db.instances.update(task.instanceId, { encrypted_key: null })
    await services.admin.deleteGuest(task.instanceId)
    return undefined
  },
}

const securityGroupRemoved: DeleteStep = {
  name: 'security group removed',
  deadlineMs: quick,
  async run({ services, task }) {
    await services.db.securityGroups.deleteOfInstance(task.instanceId)
    return undefined
  },
}

const recordDeleted: DeleteStep = {
  name: 'record deleted',
  deadlineMs: quick,
  async run({ services, task, log }: Context) {
    const record = await services.db.instances.get(task.instanceId)
    if (record === undefined) return undefined
    await services.db.instances.softDelete(task.instanceId)
    usageEvent(log, 'trove.instance.delete', record)
    return undefined
  },
}

/**
 * Removes every trace of an instance, in whatever state it is (contract §3.7 Delete). Nothing of it is undone; when a step
 * fails the instance stays in deletion with a fault that says why, and the reconciler asks again.
 */
export const deleteInstance: Flow<DeleteInstanceArgs> = {
  kind: 'delete_instance',
  steps: [
    databaseStopped,
    serverDeleted,
    volumeDeleted,
    credentialRemoved,
    securityGroupRemoved,
    recordDeleted,
  ],
  async failed({ services, task }, failure) {
    await services.db.instances.addFault(task.instanceId, failure.message, failureDetails(failure))
  },
}
