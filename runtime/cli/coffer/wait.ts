import type { Clock } from '../../../lib/clock.ts'
import { CofferError } from '../../../lib/errors.ts'

/** Something that takes its time. */
export interface Wait<T> {
  /** What is waited for: "the API to answer". */
  readonly what: string
  readonly deadlineMs: number
  /** Where to look when it does not come. */
  readonly hint: string
  /** Undefined: not yet. May throw to end the wait. */
  readonly probe: () => Promise<T | undefined>
}

const PAUSE_MS = 100

/**
 * Waits until the probe has a result.
 *
 * @throws CofferError WAIT_TIMED_OUT, with what was waited for and the hint
 */
export async function waitFor<T>(wait: Wait<T>, clock: Clock): Promise<T> {
  const end = clock.now().getTime() + wait.deadlineMs
  for (;;) {
    const result = await wait.probe()
    if (result !== undefined) return result
    if (clock.now().getTime() >= end) {
      throw new CofferError('WAIT_TIMED_OUT', `Waited ${wait.deadlineMs / 1000} s in vain for ${wait.what}`, {
        hint: wait.hint,
        retryable: true,
      })
    }
    await clock.sleep(PAUSE_MS)
  }
}
