import type { EventLog } from '../transport/log.ts'

/** Priorities of sd-daemon(3): journald reads them from the start of a line. */
const LEVELS = { debug: 7, info: 6, warn: 4, error: 3 } as const

/**
 * A log for a service that systemd runs: one line an event, with the priority in front and the data as JSON behind the
 * sentence. Nothing is looked up or formatted ahead of time, because start time counts on an emulated processor.
 */
export function journalLog(write: (line: string) => void, options: { readonly debug: boolean }): EventLog {
  const line = (level: keyof typeof LEVELS) => (fields: object, message: string) => {
    const data = JSON.stringify(fields)
    write(`<${LEVELS[level]}>${message}${data === '{}' ? '' : ` ${data}`}\n`)
  }
  return {
    debug: options.debug ? line('debug') : () => undefined,
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
  }
}
