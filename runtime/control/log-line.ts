import { printable, printableLine } from '../../lib/printable.ts'

/** Fields that the line shows by itself, or that say nothing to a person. */
const SHOWN = new Set(['time', 'level', 'service', 'msg', 'pid', 'hostname', 'err', 'reqId'])

/** A line of the log as JSON, or undefined for another line. */
export function parseLogLine(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const entry: unknown = JSON.parse(line)
    return typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** A line of the log for a person: `12:00:01 INFO  api           request method=GET status=200`. */
export function formatLogLine(line: string): string {
  const entry = parseLogLine(line)
  if (entry === undefined) return printableLine(line)
  const time = String(entry.time ?? '').slice(11, 19)
  const level = String(entry.level ?? '').toUpperCase()
  const fields = Object.entries(entry)
    .filter(([name]) => !SHOWN.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const words = [time, level.padEnd(5), String(entry.service ?? '').padEnd(11), entry.msg, ...fields]
  const head = printableLine(words.join(' '))
  const error = entry.err as { readonly message?: string; readonly stack?: string } | undefined
  if (error?.message === undefined) return head
  return `${head}\n         ${printable(error.stack ?? error.message).replaceAll('\n', '\n         ')}`
}

/** Whether a line is of a service. Lines without one belong to all. */
export const isOfService = (line: string, service: string | undefined): boolean =>
  service === undefined || parseLogLine(line)?.service === service
