import { CofferError } from '../../../lib/errors.ts'
import type { StepRecord, TaskRecord } from '../../db/types.ts'
import type { Services } from '../services.ts'
import { attempt, undoAttempt } from './attempt.ts'
import { openContext } from './context.ts'
import { describeFailure } from './failure.ts'
import type { Lease } from './lease.ts'
import { decide, FAILURE } from './plan.ts'
import type { Failure, Flow, Step } from './types.ts'
import { orAbort } from './wait.ts'

/** What a flow's run is given. */
export interface RunInput<Args> {
  readonly flow: Flow<Args>
  readonly task: TaskRecord
  readonly args: Args
  readonly services: Services
  readonly owner: string
  readonly lease: Lease
  /** Aborted when the task manager stops, or the lease is lost. */
  readonly signal: AbortSignal
}

/**
 * Carries a task from wherever its journal says it is to its end.
 *
 * @returns how it ended
 * @throws the signal's reason when this process must let go of the task; whatever the database throws. The journal is then
 *   what the next holder goes on from.
 */
export async function runFlow<Args>(input: RunInput<Args>): Promise<'done' | 'failed'> {
  const { flow, task, services, owner, lease, signal } = input
  const { db } = services
  const planned = flow.steps.map(({ name, undo }) => ({ name, undoable: undo !== undefined }))
  const stepOf = (name: string): Step<Args> => {
    const step = flow.steps.find((candidate) => candidate.name === name)
    if (step === undefined) throw new CofferError('STEP_UNKNOWN', `Flow ${flow.kind} has no step '${name}'`)
    return step
  }

  for (;;) {
    signal.throwIfAborted()
    const journal = await db.tasks.steps(task.id)
    const decision = decide(planned, journal)
    await lease.confirm()
    switch (decision.next) {
      case 'run':
        await forward(input, stepOf(decision.step), decision.begun, journal)
        break
      case 'report':
        await report(input, decision.failure, journal)
        break
      case 'undo':
        await backward(input, stepOf(decision.step), decision.begun, journal)
        break
      case 'end': {
        const error = failureOf(journal)
        await db.tasks.setState(
          task.id,
          owner,
          decision.state,
          error === undefined || decision.state === 'done' ? undefined : error,
        )
        return decision.state
      }
    }
  }
}

/** A task that was taken so often has ended as many task managers: it must not end more of them. */
const MAX_ATTEMPTS = 20

function givenUp(attempts: number): CofferError {
  return new CofferError('TASK_GIVEN_UP', `The task was begun ${attempts} times and never came to its end`, {
    hint: 'See the log of the task manager for what ended it; then delete the instance and create it again.',
  })
}

async function forward<Args>(
  input: RunInput<Args>,
  step: Step<Args>,
  begun: StepRecord | undefined,
  journal: readonly StepRecord[],
): Promise<void> {
  const { flow, task, services, lease, signal } = input
  const { db, faultPoint } = services
  const point = (where: string) => faultPoint?.(`${flow.kind}/${step.name}:${where}`)
  await point('before')
  let context = openContext(input, step, begun, journal)
  if (begun === undefined) {
    const data = step.choose?.(context) ?? {}
    await db.tasks.startStep(task.id, step.name, JSON.stringify(data))
    context = openContext(input, step, { data: JSON.stringify(data), started: services.clock.now() }, journal)
  }
  await point('begun')
  let found: Awaited<ReturnType<Step<Args>['run']>>
  try {
    if (task.attempts > MAX_ATTEMPTS) throw givenUp(task.attempts)
    const done = begun !== undefined && (await step.isDone?.(context)) === true
    if (!done) found = await attempt(step, context, flow)
  } catch (error) {
    // A stop or a lost lease is no failure of the step: whoever comes next goes on with it.
    signal.throwIfAborted()
    if (step.bestEffort !== true) {
      const failure = await describeFailure(step, error, context, journal)
      // A process that stood still sees deadlines pass that have not passed for the one that took over.
      await lease.confirm()
      await db.tasks.startStep(task.id, FAILURE, JSON.stringify(failure))
      context.log.warn({ err: error, step: step.name, code: failure.code }, 'A step failed; undoing the task')
      return
    }
    context.log.warn({ err: error, step: step.name }, 'A step that may fail has failed; going on')
    found = { skipped: error instanceof Error ? error.message : String(error) }
  }
  await point('made')
  await lease.confirm()
  await db.tasks.finishStep(task.id, step.name, 'done', JSON.stringify({ ...context.data, ...found }))
  await point('after')
}

async function report<Args>(
  input: RunInput<Args>,
  record: StepRecord,
  journal: readonly StepRecord[],
): Promise<void> {
  const { flow, task, services, owner } = input
  const failure = JSON.parse(record.data) as Failure
  await services.faultPoint?.(`${flow.kind}/${FAILURE}:before`)
  await services.db.tasks.setState(task.id, owner, 'undoing', failure)
  await flow.failed?.(openContext(input, undefined, record, journal), failure)
  await services.db.tasks.finishStep(task.id, FAILURE, 'done', record.data)
  await services.faultPoint?.(`${flow.kind}/${FAILURE}:after`)
}

async function backward<Args>(
  input: RunInput<Args>,
  step: Step<Args>,
  begun: StepRecord,
  journal: readonly StepRecord[],
): Promise<void> {
  const { flow, task, services, signal } = input
  const point = (where: string) => services.faultPoint?.(`${flow.kind}/${step.name}:undo-${where}`)
  await point('before')
  const { undoMs } = services.timings
  const context = openContext(
    input,
    { deadlineMs: () => undoMs },
    { data: begun.data, started: services.clock.now() },
    journal,
    'backward',
  )
  let data = context.data
  try {
    await undoAttempt(step, context)
  } catch (error) {
    signal.throwIfAborted()
    // Its ids stay in the journal, by which the reconciler knows what is ours to remove.
    context.log.error({ err: error, step: step.name }, 'A step could not be undone; left to the reconciler')
    data = { ...data, undoFailed: error instanceof Error ? error.message : String(error) }
  }
  await orAbort(services.db.tasks.finishStep(task.id, step.name, 'undone', JSON.stringify(data)), signal)
  await point('after')
}

function failureOf(journal: readonly StepRecord[]): Failure | undefined {
  const record = journal.find(({ name }) => name === FAILURE)
  return record === undefined ? undefined : (JSON.parse(record.data) as Failure)
}
