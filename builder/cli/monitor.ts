import { systemClock } from '../../lib/clock.ts'
import { CofferError } from '../../lib/errors.ts'
import type { BuildEvent, UntimedEvent } from '../engine/events.ts'
import { failedEvent } from '../engine/failed-event.ts'

/** Writes events for a program on standard output, or nothing. */
export interface Monitor {
  readonly on: boolean
  readonly report: (event: BuildEvent | UntimedEvent) => void
}

/** The monitor that `--monitor` asks for. @throws CofferError `MONITOR_UNKNOWN` for any word but json */
export function monitorFor(value: string | undefined): Monitor {
  if (value === undefined) return { on: false, report: () => undefined }
  if (value !== 'json') {
    throw new CofferError('MONITOR_UNKNOWN', `--monitor knows json, not '${value}'`, {
      hint: 'Use --monitor json.',
    })
  }
  return {
    on: true,
    report: (event) =>
      process.stdout.write(`${JSON.stringify({ ...event, time: 'time' in event ? event.time : now() })}\n`),
  }
}

/** Reports what stops `action` as an event too: a refusal before the build, or a boot that failed after it. */
export async function reportingFailure<T>(monitor: Monitor, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    monitor.report(failedEvent(error))
    throw error
  }
}

function now(): number {
  return systemClock.now().getTime()
}
