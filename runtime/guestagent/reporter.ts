import type { Clock } from '../../lib/clock.ts'
import { SERVICE_STATUSES } from '../model/service-status.ts'
import type { HeartbeatArgs } from '../rpc/guest-methods.ts'
import { type EventLog, reasonOf } from '../transport/log.ts'
import type { VolumeFigures } from './machine/volume-figures.ts'

/** What a heartbeat says of the database. */
export interface Report {
  /** The description word of a service status (contract §3.2). */
  readonly status: string
  readonly reason?: string
}

/** What the reporter needs. */
export interface ReporterOptions {
  readonly guestId: string
  readonly agentVersion: string
  /** Milliseconds between heartbeats. */
  readonly intervalMs: number
  /** Asks for the state of the moment; undefined while there is nothing to report yet (contract §4.3, "Guest loop"). */
  readonly observe: () => Promise<Report | undefined>
  readonly volume: () => Promise<VolumeFigures | undefined>
  readonly cast: (args: HeartbeatArgs, signal: AbortSignal) => Promise<void>
  readonly clock: Clock
  readonly log: EventLog
}

/** Tells the conductor how the database does: at every interval, and at once when told to. */
export interface Reporter {
  /** Reports this state now, ahead of what the engine would say. */
  readonly tell: (report: Report) => Promise<void>
  /** Looks at the engine and reports, unless reporting is paused. */
  readonly look: () => Promise<void>
  /** While this runs no periodic report goes out: a restart is no news. */
  readonly during: <T>(action: () => Promise<T>) => Promise<T>
  readonly stop: () => void
}

/** A report that could not be handed over is stale after this long: the next one says more. */
const CAST_PATIENCE_MS = 20_000

/** Starts reporting. The first report goes out at once. */
export function startReporter(options: ReporterOptions): Reporter {
  const { clock, log } = options
  const stopping = new AbortController()
  let paused = 0
  let pauses = 0
  let last = ''

  const tell = async (report: Report): Promise<void> => {
    const figures = await options.volume().catch(() => undefined)
    if (report.status !== last) log.info({ status: report.status }, 'The database has a new status')
    last = report.status
    const args: HeartbeatArgs = {
      instance_id: options.guestId,
      payload: {
        service_status: report.status,
        agent_version: options.agentVersion,
        ...(figures === undefined ? {} : { volume_used: figures.used, volume_total: figures.total }),
        ...(report.reason === undefined ? {} : { reason: report.reason }),
      },
    }
    try {
      await options.cast(args, AbortSignal.any([stopping.signal, AbortSignal.timeout(CAST_PATIENCE_MS)]))
    } catch (error) {
      if (!stopping.signal.aborted) log.warn({ reason: reasonOf(error) }, 'A heartbeat did not get through')
    }
  }
  const look = async (): Promise<void> => {
    if (paused > 0) return
    const pausesBefore = pauses
    const report = await options.observe().catch((error: unknown) => {
      log.warn({ reason: reasonOf(error) }, 'The state of the database could not be found out')
      return { status: SERVICE_STATUSES.UNKNOWN.description }
    })
    // The answer may be older than what was done in a pause meanwhile.
    if (report !== undefined && pauses === pausesBefore && !stopping.signal.aborted) await tell(report)
  }
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await look()
      await clock.sleep(options.intervalMs, stopping.signal)
    }
  }
  void loop()

  return {
    tell,
    look,
    async during(action) {
      paused += 1
      pauses += 1
      try {
        return await action()
      } finally {
        paused -= 1
      }
    },
    stop: () => stopping.abort(),
  }
}
