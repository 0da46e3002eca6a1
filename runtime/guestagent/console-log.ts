import { uptime } from 'node:os'
import type { EventLog } from '../transport/log.ts'
import { oneLine } from './errors.ts'

/** Events that explain a guest to whoever sees nothing of it but its console (`coffer logs INSTANCE`). */
export const TOLD: ReadonlySet<string> = new Set([
  'The guest agent starts',
  'Connected to the hub',
  'Connected to RabbitMQ',
  'There is no connection to the hub',
  'There is no connection to RabbitMQ',
  'There is no manager for this datastore',
  'Preparing the guest',
  'The guest is prepared',
  'The guest could not be prepared',
  'The guest agent cannot go on',
])

/**
 * A log that also tells the console the few events that matter there, one line each and none twice in a row. Only a step or
 * a reason stands behind the sentence, in one line and without control characters. Before it stand the seconds since the
 * kernel started, as before the kernel's own lines: what a start takes can be read from the console.
 *
 * @param write takes whole lines
 * @param seconds since the kernel started
 */
export function tellingConsole(
  log: EventLog,
  write: (line: string) => void,
  seconds: () => number = uptime,
): EventLog {
  let last = ''
  const telling = (level: keyof EventLog) => (fields: object, message: string) => {
    log[level](fields, message)
    if (!TOLD.has(message)) return
    const { step, reason } = fields as { readonly step?: unknown; readonly reason?: unknown }
    const more = typeof reason === 'string' ? reason : typeof step === 'string' ? step : undefined
    const line = printable(more === undefined ? message : `${message}: ${more}`)
    if (line !== last) write(`\n[${seconds().toFixed(2).padStart(9)}] coffer: agent: ${line}\n`)
    last = line
  }
  return { debug: telling('debug'), info: telling('info'), warn: telling('warn'), error: telling('error') }
}

const printable = (text: string): string => oneLine(text).replace(/\p{Cc}/gu, '?')
