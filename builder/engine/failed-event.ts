import { CofferError, describeError } from '../../lib/errors.ts'
import type { FailedEvent } from './events.ts'

/** The event a build, or a refusal before it, ends with. */
export function failedEvent(error: unknown): Omit<FailedEvent, 'time'> {
  if (!(error instanceof CofferError)) {
    return { event: 'failed', code: 'INTERNAL_ERROR', message: describeError(error), exitCode: 1 }
  }
  return {
    event: 'failed',
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    exitCode: error.exitCode,
  }
}
