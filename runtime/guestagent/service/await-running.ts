import type { Clock } from '../../../lib/clock.ts'
import { guestError } from '../errors.ts'
import type { ServiceControl } from './service-control.ts'

/** Pause between two questions. */
const PAUSE_MS = 250
const PATIENCE_MS = 150_000

/**
 * Waits until the engine answers a query.
 *
 * @throws CofferError `GUEST_ERROR` with the engine's last words when it has died or does not answer in time.
 */
export async function awaitRunning(
  service: ServiceControl,
  answers: () => Promise<boolean>,
  clock: Clock,
): Promise<void> {
  const deadline = clock.now().getTime() + PATIENCE_MS
  for (;;) {
    if (await answers()) return
    const { active, sub } = await service.state()
    const dead = active === 'failed' || active === 'inactive' || sub === 'auto-restart'
    if (dead || clock.now().getTime() > deadline) {
      const words = await service.lastWords()
      const what = dead ? 'the database stopped right after its start' : 'the database does not answer'
      throw guestError(words === '' ? what : `${what}: ${words}`)
    }
    await clock.sleep(PAUSE_MS)
  }
}

/** The status of an engine that answers or not, from what systemd knows (contract §3.2). */
export async function statusOf(
  service: ServiceControl,
  answers: () => Promise<boolean>,
): Promise<'running' | 'blocked' | 'shutdown' | 'crashed'> {
  if (await answers()) return 'running'
  const { active, sub } = await service.state()
  if (active === 'failed' || sub === 'auto-restart') return 'crashed'
  return active === 'inactive' || active === 'deactivating' ? 'shutdown' : 'blocked'
}
