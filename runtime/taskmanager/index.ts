import { randomUUID } from 'node:crypto'
import { CofferError } from '../../lib/errors.ts'
import type { TaskRecord } from '../db/types.ts'
import { RPC_VERSION, rpcServer } from '../rpc/index.ts'
import type { Connection } from '../transport/types.ts'
import { taskLog } from './flow/context.ts'
import { keepLease } from './flow/lease.ts'
import { runFlow } from './flow/run.ts'
import { pause } from './flow/wait.ts'
import { flowOf } from './flows/index.ts'
import { holderName, releaseOfTheDead } from './holder.ts'
import { startReconciler } from './reconcile/index.ts'
import { DEFAULT_TIMINGS, type Services, type Timings } from './services.ts'

/** Tasks that one task manager carries at a time. Many, since most of them wait for a guest most of the time. */
const CONCURRENT_TASKS = 64

/** What {@link startTaskManager} needs. */
export interface TaskManagerDeps extends Omit<Services, 'timings'> {
  /** Listens on it for `run_tasks`; the connection stays the caller's. */
  readonly connection: Connection
  readonly timings?: Partial<Timings>
  /** Names this process in leases. Default: {@link holderName}. */
  readonly owner?: string
  readonly concurrentTasks?: number
}

export interface TaskManager {
  /** Takes no new task, lets go of the running ones at their next safe point, and gives their leases back. */
  readonly stop: () => Promise<void>
}

/**
 * Starts a task manager: it takes tasks from the database, each under a lease, and carries them to their end; and it
 * compares what is wanted with what is there. Any number of them may run at a time.
 */
export async function startTaskManager(deps: TaskManagerDeps): Promise<TaskManager> {
  const services: Services = { ...deps, timings: { ...DEFAULT_TIMINGS, ...deps.timings } }
  const { db, clock, log, timings } = services
  const name = deps.owner ?? holderName()
  const limit = deps.concurrentTasks ?? CONCURRENT_TASKS
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()
  let claiming: Promise<void> | undefined
  let claimAgain = false

  function wake(): void {
    claimAgain = true
    claiming ??= claimAll().finally(() => {
      claiming = undefined
    })
  }

  async function claimAll(): Promise<void> {
    while (claimAgain && !stopping.signal.aborted) {
      claimAgain = false
      try {
        while (running.size < limit && !stopping.signal.aborted) {
          // New for each claim: it tells this holder from the same process's earlier one.
          const owner = `${name}/${randomUUID()}`
          const task = await db.tasks.claim(owner, timings.leaseMs, clock.now())
          if (task === undefined) break
          const work = carry(task, owner).finally(() => {
            running.delete(work)
            // The same instance's next task may have waited for this one.
            wake()
          })
          running.add(work)
        }
      } catch (error) {
        log.error({ err: error }, 'Tasks could not be looked for; trying again')
      }
    }
  }

  async function carry(task: TaskRecord, owner: string): Promise<void> {
    const lease = keepLease(services, task.id, owner)
    const signal = AbortSignal.any([lease.signal, stopping.signal])
    const taskRecordLog = taskLog(log, task)
    taskRecordLog.info({ attempts: task.attempts }, 'Task taken')
    try {
      const outcome = await carryFlow(task, services, owner, lease, signal)
      taskRecordLog.info({ outcome }, 'Task ended')
    } catch (error) {
      if (stopping.signal.aborted) await db.tasks.release(task.id, owner).catch(() => undefined)
      else taskRecordLog.error({ err: error }, 'Task let go; it is taken again when its lease ends')
    } finally {
      lease.stop()
    }
  }

  await releaseOfTheDead(services).catch((error: unknown) => {
    log.error({ err: error }, 'Leases of ended processes could not be looked for; they run out by themselves')
  })
  const poll = (async () => {
    while (!stopping.signal.aborted) {
      wake()
      await pause(clock, timings.pollMs, stopping.signal).catch(() => undefined)
    }
  })()
  const server = await rpcServer(
    deps.connection,
    'taskmanager',
    {
      version: RPC_VERSION,
      methods: {
        run_tasks: {
          lane: 'concurrent',
          async run() {
            wake()
            return undefined
          },
        },
      },
    },
    { clock, log },
  )
  const reconciler = startReconciler(services, stopping.signal)

  return {
    async stop() {
      stopping.abort(new CofferError('STOPPING', 'The task manager stops', { retryable: true }))
      await server.stop(timings.stopMs)
      await Promise.all([poll, reconciler, claiming])
      await Promise.all(running)
    },
  }
}

async function carryFlow(
  task: TaskRecord,
  services: Services,
  owner: string,
  lease: ReturnType<typeof keepLease>,
  signal: AbortSignal,
): Promise<'done' | 'failed'> {
  const flow = flowOf(task.kind)
  if (flow === undefined) {
    const message = `No flow is known for tasks of kind '${task.kind}'`
    await services.db.tasks.setState(task.id, owner, 'failed', { code: 'TASK_UNKNOWN', message })
    return 'failed'
  }
  let args: unknown
  try {
    args = JSON.parse(services.seal.open(task.args))
  } catch (error) {
    // Sealed with another key. The reconciler tells the instance's user, or asks again where that helps.
    services.log.error({ err: error, task: task.id }, 'The arguments of a task cannot be opened')
    const message = 'The arguments of the task cannot be opened: they were sealed with another key'
    await services.db.tasks.setState(task.id, owner, 'failed', { code: 'TASK_UNREADABLE', message })
    return 'failed'
  }
  return runFlow({ flow, task, args, services, owner, lease, signal })
}
