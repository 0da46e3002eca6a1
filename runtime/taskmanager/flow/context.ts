import { CofferError } from '../../../lib/errors.ts'
import type { StepRecord, TaskRecord } from '../../db/types.ts'
import type { EventLog } from '../../transport/log.ts'
import type { RunInput } from './run.ts'
import type { Step, StepContext, StepData } from './types.ts'
import { everySoOften, waitFor } from './wait.ts'

/**
 * Makes what a step is told. Its deadline counts from when the journal says that it began, so that kills do not lengthen
 * it; a step that resumes late still gets `resumeMs` to find out that all is well.
 *
 * @param step undefined for what is not a step of the flow
 * @param direction a withdrawn request stops what goes forward, never an undo
 */
export function openContext<Args>(
  input: Omit<RunInput<Args>, 'owner' | 'lease'>,
  step: Pick<Step<Args>, 'deadlineMs'> | undefined,
  begun: Pick<StepRecord, 'data' | 'started'> | undefined,
  journal: readonly StepRecord[],
  direction: 'forward' | 'backward' = 'forward',
): StepContext<Args> {
  const { task, args, services, signal, flow } = input
  const { db, clock, timings } = services
  const now = clock.now().getTime()
  const allowed = step?.deadlineMs(services, args) ?? timings.undoMs
  const deadline = new Date(
    Math.max((begun?.started.getTime() ?? now) + allowed, now + Math.min(allowed, timings.resumeMs)),
  )
  const parse = (text: string) => JSON.parse(text) as StepData
  const isTime = everySoOften(clock, timings.lookMs)
  const notCancelled = async () => {
    if (direction === 'backward' || !isTime()) return
    if (flow.isCancelled?.(await db.instances.get(task.instanceId)) === true) throw cancelled()
  }
  return {
    task,
    args,
    services,
    signal,
    deadline,
    data: begun === undefined ? {} : parse(begun.data),
    dataOf(name) {
      const record = journal.find((candidate) => candidate.name === name)
      return record === undefined ? undefined : parse(record.data)
    },
    async instance() {
      const record = await db.instances.get(task.instanceId)
      if (record === undefined) {
        throw new CofferError('INSTANCE_GONE', `Instance ${task.instanceId} does not exist any more`)
      }
      return record
    },
    log: taskLog(services.log, task),
    wait: (wait) =>
      waitFor(
        {
          ...wait,
          async probe() {
            const value = await wait.probe()
            if (value === undefined) await notCancelled()
            return value
          },
        },
        { clock, probeMs: timings.probeMs, deadline, signal },
      ),
  }
}

/** The log with the task's names on every record. */
export function taskLog(log: EventLog, task: TaskRecord): EventLog {
  const names = {
    task: task.id,
    kind: task.kind,
    instance: task.instanceId,
    ...(task.requestId === null ? {} : { requestId: task.requestId }),
  }
  const level = (name: keyof EventLog) => (fields: object, message: string) =>
    log[name]({ ...names, ...fields }, message)
  return { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') }
}

/** The user has asked for something that makes this task pointless. */
export function cancelled(): CofferError {
  return new CofferError('TASK_CANCELLED', 'The request was withdrawn while it was being carried out')
}
