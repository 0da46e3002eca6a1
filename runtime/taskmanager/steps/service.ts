import { CofferError } from '../../../lib/errors.ts'
import { SERVICE_STATUSES } from '../../model/service-status.ts'
import type { CreateInstanceArgs } from '../../model/task-args.ts'
import { textOf } from '../flow/data.ts'
import type { Step } from '../flow/types.ts'
import { everySoOften } from '../flow/wait.ts'
import { livingServer, rememberServer, server } from './server.ts'

/**
 * Until the guest agent reports that the database runs. A guest that says it failed, or that dies, ends the wait at once.
 * One that has not said a word after half of the time is reset, once: of hundreds of guests one hangs while it boots, and an
 * agent that was never heard of has done nothing yet that a reset could harm.
 */
export const serviceRuns: Step<CreateInstanceArgs> = {
  name: 'service running',
  deadlineMs: ({ settings }, args) => settings.datastore(args.datastore.manager).usageTimeout * 1000,
  async run({ services, task, args, dataOf, deadline, wait, instance, log }) {
    const { db } = services
    const serverId = textOf(dataOf(server.name), 'serverId')
    const isTime = everySoOften(services.clock, services.timings.lookMs)
    const patienceMs = services.settings.datastore(args.datastore.manager).usageTimeout * 500
    const resetAt = deadline.getTime() - patienceMs
    let resets = 0
    await wait({
      until: 'the guest agent reports that the database runs',
      hint: 'See the end of its console in the details of the fault: whether the agent has started and reaches the transport.',
      async probe() {
        const status = await db.statuses.get(task.instanceId)
        if (
          status?.code === SERVICE_STATUSES.RUNNING.code ||
          status?.code === SERVICE_STATUSES.HEALTHY.code
        ) {
          return true
        }
        if (status?.code === SERVICE_STATUSES.FAILED.code) {
          const reason = (await instance()).fault?.message ?? 'it gave no reason'
          throw new CofferError('GUEST_FAILED', `The guest agent could not set up the database: ${reason}`, {
            hint: 'Delete the instance, put right what the reason names, and create it again.',
          })
        }
        if (isTime()) await livingServer(services, serverId)
        const silent = status === undefined || status.code === SERVICE_STATUSES.NEW.code
        if (silent && resets === 0 && services.clock.now().getTime() >= resetAt) {
          resets++
          log.warn({ serverId, seconds: patienceMs / 1000 }, 'guest is reset: its agent was never heard of')
          await services.compute.rebootServer(serverId)
        }
        return undefined
      },
    })
    await rememberServer(services, task.instanceId, serverId)
    return undefined
  },
  onFailure: (error) =>
    error instanceof CofferError && error.code === 'SERVER_FAILED'
      ? 'BUILDING_ERROR_SERVER'
      : 'BUILDING_ERROR_TIMEOUT_GA',
}
