import type { Clock } from '../../../lib/clock.ts'
import { CofferError } from '../../../lib/errors.ts'

/** Something that a step waits for. */
export interface Wait<T> {
  /** What should come true, as a person would say it: `the server runs`. */
  readonly until: string
  /** What to look at when it does not. */
  readonly hint: string
  /** Gives a value once it is true, undefined while it is not; throws when it never will be. */
  readonly probe: () => Promise<T | undefined>
}

/** How a wait proceeds. */
export interface WaitOptions {
  readonly clock: Clock
  readonly probeMs: number
  readonly deadline: Date
  readonly signal: AbortSignal
}

/**
 * Probes until the wait is over; at least once, however late it is.
 *
 * @throws CofferError WAIT_TIMED_OUT at the deadline; the signal's reason when it is aborted; what the probe throws
 */
export async function waitFor<T>(wait: Wait<T>, options: WaitOptions): Promise<T> {
  const { clock, deadline, signal } = options
  for (;;) {
    signal.throwIfAborted()
    const value = await wait.probe()
    if (value !== undefined) return value
    const leftMs = deadline.getTime() - clock.now().getTime()
    if (leftMs <= 0) {
      throw new CofferError('WAIT_TIMED_OUT', `Timed out waiting until ${wait.until}`, { hint: wait.hint })
    }
    await pause(clock, Math.min(options.probeMs, leftMs), signal)
  }
}

/** Sleeps, but not past an abort. @throws the signal's reason */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await orAbort(clock.sleep(ms, signal), signal)
  signal.throwIfAborted()
}

/** The promise's outcome, or the signal's reason as soon as it is aborted. The work behind the promise goes on. */
export async function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let give = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    give = () => reject(signal.reason as Error)
    signal.addEventListener('abort', give, { once: true })
    if (signal.aborted) give()
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', give)
  }
}

/** For what costs too much to be done at every probe. @returns a function that is true at most once in so many milliseconds */
export function everySoOften(clock: Clock, ms: number): () => boolean {
  let last = clock.now().getTime()
  return () => {
    const now = clock.now().getTime()
    if (now - last < ms) return false
    last = now
    return true
  }
}
