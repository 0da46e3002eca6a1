import { CofferError } from '../../../lib/errors.ts'
import { cancelled } from './context.ts'
import type { Flow, Step, StepContext, StepData } from './types.ts'
import { orAbort, pause } from './wait.ts'

/** How much later than its deadline a step that does not come back is given up. */
const HANG_MS = 10_000

/**
 * Runs a step, again with back-off while its errors are retryable and its deadline has not passed.
 *
 * @throws the step's last error; STEP_HUNG when it does not come back after its deadline; the signal's reason
 */
export async function attempt<Args>(
  step: Step<Args>,
  context: StepContext<Args>,
  flow: Flow<Args>,
): Promise<StepData | undefined> {
  return repeat(context, isRetryable, async () => {
    if (flow.isCancelled?.(await context.services.db.instances.get(context.task.instanceId)) === true) {
      throw cancelled()
    }
    return bounded(step.name, context, step.run(context))
  })
}

/** Undoes a step; every error is worth another try, since there is nothing else left to do. */
export async function undoAttempt<Args>(step: Step<Args>, context: StepContext<Args>): Promise<void> {
  await repeat(
    context,
    () => true,
    () => bounded(step.name, context, step.undo?.(context) ?? Promise.resolve()),
  )
}

async function repeat<Args, T>(
  context: StepContext<Args>,
  worthIt: (error: unknown) => boolean,
  action: () => Promise<T>,
): Promise<T> {
  const { clock, timings } = context.services
  for (let pauseMs = timings.retryMs; ; pauseMs = Math.min(pauseMs * 2, timings.retryMaxMs)) {
    try {
      return await action()
    } catch (error) {
      context.signal.throwIfAborted()
      const leftMs = context.deadline.getTime() - clock.now().getTime()
      if (!worthIt(error) || leftMs <= pauseMs) throw error
      context.log.info({ err: error, pauseMs }, 'A step is tried again')
      await pause(clock, pauseMs, context.signal)
    }
  }
}

function isRetryable(error: unknown): boolean {
  return error instanceof CofferError && error.retryable
}

async function bounded<Args, T>(name: string, context: StepContext<Args>, work: Promise<T>): Promise<T> {
  const leftMs = Math.max(0, context.deadline.getTime() - context.services.clock.now().getTime())
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new CofferError('STEP_HUNG', `The step '${name}' did not come back after its deadline`)),
      leftMs + HANG_MS,
    )
  })
  try {
    return await orAbort(Promise.race([work, hung]), context.signal)
  } finally {
    clearTimeout(timer)
    // Whoever goes on must not be surprised by an error of what was left behind.
    work.catch(() => undefined)
  }
}
