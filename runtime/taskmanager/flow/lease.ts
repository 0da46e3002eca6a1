import { CofferError } from '../../../lib/errors.ts'
import type { Services } from '../services.ts'

/** The right to work on a task, kept alive by a timer. */
export interface Lease {
  /** Aborted when the lease is lost: someone else may be at work, so nothing more may be done. */
  readonly signal: AbortSignal
  /** Asks the database now. @throws the signal's reason when the lease is gone */
  readonly confirm: () => Promise<void>
  readonly stop: () => void
}

/** Keeps a claimed task ours: renews at a third of the lease, and gives up when a whole lease passed without a renewal. */
export function keepLease(
  services: Pick<Services, 'db' | 'clock' | 'log' | 'timings'>,
  taskId: string,
  owner: string,
): Lease {
  const { db, clock, log, timings } = services
  const lost = new AbortController()
  let renewedAt = clock.now().getTime()
  let renewing = false

  async function renew(): Promise<void> {
    const asked = clock.now()
    try {
      if (await db.tasks.renew(taskId, owner, timings.leaseMs, asked)) renewedAt = asked.getTime()
      else lose()
    } catch (error) {
      log.warn({ err: error, taskId }, 'A lease could not be renewed; trying again')
      if (clock.now().getTime() - renewedAt >= timings.leaseMs) lose()
    }
  }

  function lose(): void {
    lost.abort(new CofferError('LEASE_LOST', `The lease of task ${taskId} is lost`, { retryable: true }))
  }

  const timer = setInterval(() => {
    if (renewing) return
    renewing = true
    void renew().finally(() => {
      renewing = false
    })
  }, timings.leaseMs / 3)

  return {
    signal: lost.signal,
    async confirm() {
      lost.signal.throwIfAborted()
      // A third of the lease is what the timer promises; only a process that stood still has to ask.
      if (clock.now().getTime() - renewedAt > timings.leaseMs / 2) await renew()
      lost.signal.throwIfAborted()
    },
    stop: () => clearInterval(timer),
  }
}
