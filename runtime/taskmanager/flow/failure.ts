import { CofferError } from '../../../lib/errors.ts'
import type { StepRecord } from '../../db/types.ts'
import type { Failure, Step, StepContext } from './types.ts'

const CONSOLE_LINES = 50
const CONSOLE_BYTES = 16 * 1024

/**
 * What the journal, and later the user, is told of a failure. The console is read here, before the undo removes the server.
 * An error of an unknown kind may hold anything, so its text goes to the log only.
 */
export async function describeFailure<Args>(
  step: Step<Args>,
  error: unknown,
  context: StepContext<Args>,
  journal: readonly StepRecord[],
): Promise<Failure> {
  const known = error instanceof CofferError
  if (!known)
    context.log.error({ err: error, step: step.name }, 'A step failed for a reason that was not foreseen')
  return {
    step: step.name,
    code: known ? error.code : 'INTERNAL_ERROR',
    message: known
      ? error.message
      : 'Something failed that should not have; the log of the task manager says more',
    hint: (known ? error.hint : undefined) ?? null,
    console: await consoleTail(context, journal),
    task: step.onFailure?.(error) ?? null,
  }
}

/** The last lines of the console of the server that this task made, if there is one. */
async function consoleTail<Args>(
  context: StepContext<Args>,
  journal: readonly StepRecord[],
): Promise<string | null> {
  const ids = journal.map(({ data }) => (JSON.parse(data) as { serverId?: string }).serverId)
  const own = context.data.serverId
  const serverId = ids.find((id) => id !== undefined) ?? (typeof own === 'string' ? own : undefined)
  if (serverId === undefined) return null
  try {
    const text = await context.services.compute.consoleTail(serverId, CONSOLE_BYTES)
    return text.trimEnd().split('\n').slice(-CONSOLE_LINES).join('\n')
  } catch {
    return null
  }
}

/** The text of a fault's `details`: which step, what to do, and what the console showed last. */
export function failureDetails(failure: Failure): string {
  const parts = [`Step: ${failure.step}`, `Code: ${failure.code}`]
  if (failure.hint !== null) parts.push(`Hint: ${failure.hint}`)
  if (failure.console !== null && failure.console !== '') parts.push(`Console:\n${failure.console}`)
  return parts.join('\n')
}
