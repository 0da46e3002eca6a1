import { exists } from '../../../lib/path-kind.ts'
import { awaitRunning, statusOf } from '../service/await-running.ts'
import type { DatastoreManager } from '../types.ts'
import type { ManagerHost } from './host.ts'

/** The part of a manager that starts, stops and watches its engine. */
export interface EngineService extends Pick<DatastoreManager, 'start' | 'stop' | 'restart' | 'status'> {
  /** Before `prepare` changes what an engine reads: a predecessor of this process may have got as far as starting it. */
  readonly halt: () => Promise<void>
}

/** Pause between two looks for the socket of an engine that starts. */
const LOOK_MS = 100

/**
 * Starts, stops and watches an engine, the same way for all of them.
 *
 * @param ask a query that any sound engine answers
 * @param loadClient loads the engine's client, which takes as long as the engine's own start
 * @param socket the engine's local socket, which it makes at the end of its start
 */
export function engineService(
  host: ManagerHost,
  ask: () => Promise<unknown>,
  loadClient: () => Promise<unknown>,
  socket: string,
): EngineService {
  const answers = () =>
    ask().then(
      () => true,
      () => false,
    )
  const start = async (): Promise<void> => {
    await host.service.permit(true)
    let over = false
    const started = host.service.start().finally(() => {
      over = true
    })
    // Its failure is told below, unless the engine answers all the same.
    started.catch(() => undefined)
    await loadClient()
    // That a unit is up goes from the engine through two programs to us: the engine's own answer is there before.
    while (!over) {
      if ((await exists(socket)) && (await answers())) return
      await host.clock.sleep(LOOK_MS)
    }
    await started
    await awaitRunning(host.service, answers, host.clock)
  }
  return {
    start,
    halt: host.service.stop,
    async stop({ doNotStartOnReboot }) {
      await host.service.stop()
      if (doNotStartOnReboot) await host.service.permit(false)
    },
    async restart() {
      await host.service.stop()
      await start()
    },
    status: () => statusOf(host.service, answers),
  }
}
