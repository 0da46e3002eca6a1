import { CofferError } from '../../../lib/errors.ts'
import { INSTANCE_TASKS } from '../../model/instance-task.ts'
import { SERVICE_STATUSES, type ServiceStatus } from '../../model/service-status.ts'
import { GUEST_METHODS, type GuestMethodName } from '../../rpc/guest-methods.ts'
import type { JsonObject } from '../../rpc/types.ts'
import { guestQueue } from '../../transport/types.ts'
import { failureDetails } from '../flow/failure.ts'
import type { Flow, Step, StepContext } from '../flow/types.ts'
import type { Services } from '../services.ts'
import { rememberServer } from '../steps/server.ts'

type NoArgs = Readonly<Record<string, never>>

const RUNS: readonly number[] = [SERVICE_STATUSES.RUNNING.code, SERVICE_STATUSES.HEALTHY.code]

/** Actions on a running instance end with task NONE whatever happens; a failure is told by a fault (contract §3.7 Restart). */
const FREE: Pick<Flow<NoArgs>, 'failed'> = {
  async failed({ services, task }, failure) {
    await services.db.instances.addFault(task.instanceId, failure.message, failureDetails(failure))
    await release(services, task.instanceId)
  },
}

async function release({ db }: Services, instanceId: string): Promise<void> {
  await db.instances.update(instanceId, { task_code: INSTANCE_TASKS.NONE.code }, [
    INSTANCE_TASKS.REBOOTING.code,
    INSTANCE_TASKS.RESTART_REQUIRED.code,
    INSTANCE_TASKS.NONE.code,
  ])
}

const released: Step<NoArgs> = {
  name: 'instance released',
  deadlineMs: ({ settings }) => settings.agentCallHighTimeout * 1000,
  async run({ services, task }) {
    await release(services, task.instanceId)
    return undefined
  },
}

/** Calls a guest and, since its answer is fresher than any heartbeat, keeps what the answer proves. */
function guestCalled(
  name: string,
  method: GuestMethodName,
  args: JsonObject,
  proves: ServiceStatus,
): Step<NoArgs> {
  const timeoutMs = ({ settings }: Services) =>
    (GUEST_METHODS[method].timeout === 'high'
      ? settings.agentCallHighTimeout
      : settings.agentCallLowTimeout) * 1000
  return {
    name,
    deadlineMs: timeoutMs,
    async run({ services, task, signal, deadline }) {
      const leftMs = deadline.getTime() - services.clock.now().getTime()
      await services.rpc.call(guestQueue(task.instanceId), method, args, {
        timeoutMs: Math.max(1, leftMs),
        signal,
        ...(task.requestId === null ? {} : { requestId: task.requestId }),
      })
      await services.db.statuses.set(task.instanceId, proves.code)
      return undefined
    },
  }
}

/** Restarts the database, not the server. */
export const restart: Flow<NoArgs> = {
  kind: 'restart',
  steps: [guestCalled('database restarted', 'restart', {}, SERVICE_STATUSES.RUNNING), released],
  ...FREE,
}

const serverRebooted: Step<NoArgs> = {
  name: 'server rebooted',
  deadlineMs: ({ settings }) => settings.stateChangeWaitTime * 1000,
  async run(context) {
    const { services, task, wait } = context
    const id = await serverIdOf(context)
    await services.db.statuses.set(task.instanceId, SERVICE_STATUSES.PAUSED.code)
    await services.compute.rebootServer(id)
    await wait({
      until: 'the server is active again',
      hint: 'See the console of the server and the log of the compute driver.',
      probe: async () => ((await services.compute.getServer(id))?.status === 'ACTIVE' ? true : undefined),
    })
    await rememberServer(services, task.instanceId, id)
    return undefined
  },
}

const guestAwake: Step<NoArgs> = {
  name: 'guest awake',
  deadlineMs: ({ settings }) => settings.stateChangeWaitTime * 1000,
  async run({ services, task, wait }) {
    await wait({
      until: 'the guest agent reports that the database runs again',
      hint: 'See the console of the server: whether the agent has started and reaches the transport.',
      async probe() {
        const status = await services.db.statuses.get(task.instanceId)
        return status !== undefined && RUNS.includes(status.code) ? true : undefined
      },
    })
    return undefined
  },
}

async function serverIdOf({ instance }: StepContext<NoArgs>): Promise<string> {
  const { compute_instance_id: id } = await instance()
  if (id === null) throw new CofferError('SERVER_FAILED', 'The instance has no server')
  return id
}

/** Restarts the whole machine (contract §3.7 Reboot). */
export const reboot: Flow<NoArgs> = {
  kind: 'reboot',
  steps: [
    {
      ...guestCalled(
        'database stopped',
        'stop_db',
        { do_not_start_on_reboot: false },
        SERVICE_STATUSES.SHUTDOWN,
      ),
      bestEffort: true,
    },
    serverRebooted,
    guestAwake,
    released,
  ],
  ...FREE,
}
