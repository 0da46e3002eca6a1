import { randomUUID } from 'node:crypto'
import { INSTANCE_TASKS } from '../../model/instance-task.ts'
import type { Services } from '../services.ts'
import { rememberServer } from '../steps/server.ts'
import type { Action } from './types.ts'

/** Texts of reports, by what was found. */
const REPORTS = {
  server: 'A server belongs to no instance that is known here; it is left alone',
  volume: 'A volume belongs to no instance that is known here; it is left alone',
  guest: 'A guest queue belongs to no instance that is known here; it is left alone',
  serverMissing: 'The server of an instance is gone',
} as const

/** Carries out one action. Each can be repeated, and each asks once more before it changes a row. */
export async function act(action: Action, services: Services): Promise<void> {
  const { db, compute, admin, seal, log } = services
  const { do: kind, key, ...fields } = action
  if (kind !== 'refresh' && kind !== 'report')
    log.warn({ action: kind, ...fields }, 'Setting right what was found')
  switch (action.do) {
    case 'refresh':
      // Asked once more: the list that told of it may be older than the server.
      await rememberServer(services, action.instanceId, action.serverId)
      return
    case 'startServer':
      await compute.rebootServer(action.serverId)
      return
    case 'resetServer':
      // One that was only slow to answer must not be reset.
      if ((await compute.getServer(action.serverId))?.status === 'ERROR')
        await compute.rebootServer(action.serverId)
      return
    case 'deleteServer':
      await compute.deleteServer(action.id)
      return
    case 'deleteVolume':
      await compute.deleteVolume(action.id)
      return
    case 'deleteGuest':
      await admin.deleteGuest(action.instanceId)
      return
    case 'enqueueDelete':
      await db.tasks.enqueue({
        id: randomUUID(),
        kind: 'delete_instance',
        instanceId: action.instanceId,
        tenantId: action.tenantId,
        args: seal.seal('{}'),
      })
      return
    case 'setTask': {
      const { code } = INSTANCE_TASKS[action.to]
      if (await db.instances.update(action.instanceId, { task_code: code }, [action.from])) {
        await db.instances.addFault(action.instanceId, action.fault, 'Found by the reconciler')
      }
      return
    }
    case 'report':
      log.warn({ finding: key, ...fields }, REPORTS[action.what])
      if (action.what === 'serverMissing') await tellUser(services, action.instanceId, REPORTS.serverMissing)
      return
  }
}

/** Keeps a finding as a fault of the instance, unless its newest fault says so already. */
async function tellUser({ db }: Services, instanceId: string, message: string): Promise<void> {
  const record = await db.instances.get(instanceId)
  if (record === undefined || record.fault?.message === message) return
  await db.instances.addFault(instanceId, message, 'Found by the reconciler')
}
