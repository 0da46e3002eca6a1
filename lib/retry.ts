import { type Clock, systemClock } from './clock.ts'
import { CofferError } from './errors.ts'

/** Options of {@link retry}. */
export interface RetryOptions {
  /** Tries in all. Default 4. */
  readonly attempts?: number
  /** Pause before the second try, in milliseconds; doubles each time. Default 500. */
  readonly delayMs?: number
  readonly clock?: Clock
  /** Which errors are worth another try. Default: a CofferError marked retryable. */
  readonly when?: (error: unknown) => boolean
  readonly onRetry?: (error: unknown, attempt: number) => void
}

/** Calls `action` until it succeeds, with back-off; throws its last error. */
export async function retry<T>(action: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 4, delayMs = 500, clock = systemClock } = options
  const worthIt = options.when ?? ((error) => error instanceof CofferError && error.retryable)
  for (let attempt = 1; ; attempt++) {
    try {
      return await action()
    } catch (error) {
      if (attempt >= attempts || !worthIt(error)) throw error
      options.onRetry?.(error, attempt)
      await clock.sleep(delayMs * 2 ** (attempt - 1))
    }
  }
}
