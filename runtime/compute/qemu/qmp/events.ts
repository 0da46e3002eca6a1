import { CofferError } from '../../../../lib/errors.ts'
import type { QmpEvent } from './wire.ts'

/** Waits for events by name. */
export interface EventWaiter {
  readonly deliver: (event: QmpEvent) => void
  /** The next event of that name. @throws CofferError `QMP_TIMED_OUT`, or what `fail` was given */
  readonly next: (name: string, timeoutMs: number) => Promise<QmpEvent>
  /** Ends all waiting. */
  readonly fail: (error: Error) => void
}

/** Keeps who waits for which event. Events nobody waits for are dropped: what lasts can be asked for by `query-status`. */
export function eventWaiter(): EventWaiter {
  const waiting = new Set<{
    name: string
    resolve: (event: QmpEvent) => void
    reject: (error: Error) => void
  }>()
  return {
    deliver(event) {
      for (const entry of [...waiting]) {
        if (entry.name !== event.event) continue
        waiting.delete(entry)
        entry.resolve(event)
      }
    },
    next(name, timeoutMs) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(entry)
          reject(
            new CofferError('QMP_TIMED_OUT', `QEMU did not report ${name} within ${timeoutMs} ms`, {
              retryable: true,
            }),
          )
        }, timeoutMs)
        const entry = {
          name,
          resolve(event: QmpEvent) {
            clearTimeout(timer)
            resolve(event)
          },
          reject(error: Error) {
            clearTimeout(timer)
            reject(error)
          },
        }
        waiting.add(entry)
      })
    },
    fail(error) {
      for (const entry of waiting) entry.reject(error)
      waiting.clear()
    },
  }
}
