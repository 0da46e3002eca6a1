import { type Clock, logTimestamp, systemClock } from './clock.ts'

/** Where lines for a person go. Each package prints through one of these, never through `console`. */
export interface Log {
  readonly debug: (message: string) => void
  readonly info: (message: string) => void
  readonly warn: (message: string) => void
  readonly error: (message: string) => void
}

/** A log that writes one line a message; warnings and errors carry their level. Debug lines only when asked for. */
export function lineLog(write: (line: string) => void, options: { readonly debug?: boolean } = {}): Log {
  return {
    debug: (message) => {
      if (options.debug === true) write(`DEBUG: ${message}`)
    },
    info: write,
    warn: (message) => write(`WARNING: ${message}`),
    error: (message) => write(`ERROR: ${message}`),
  }
}

/** Prefixes a line as DIB's output filter does: `YYYY-MM-DD HH:MM:SS.mmm | line` (DIB contract §1.9). */
export function timestamped(line: string, clock: Clock = systemClock): string {
  return `${logTimestamp(clock.now())} | ${line}`
}
