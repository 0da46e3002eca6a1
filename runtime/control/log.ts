import { renameSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import pino, { type DestinationStream, type Logger } from 'pino'

/** A log file larger than this becomes `<name>.1` and a new one begins. Bytes. */
const LARGEST = 64 * 1024 * 1024
const LOOK_MS = 60_000

/** What never reaches a log, wherever a careless field brings it. */
const SECRETS = [
  'password',
  'secret',
  'token',
  'key',
  'authorization',
  'transportUrl',
  'databaseUrl',
  'transport_url',
  'database_url',
]

/** Paths for pino: the names above at the top and one level down, and the headers that carry tokens. */
const REDACTED = [
  ...SECRETS,
  ...SECRETS.map((name) => `*.${name}`),
  ...['x-auth-token', 'x-subject-token', 'authorization'].map((name) => `*.headers["${name}"]`),
]

/** A log of the services, and its end. */
export interface ServiceLog {
  readonly log: Logger
  /** Writes what is still in memory. Safe to call more than once. */
  readonly flush: () => void
  readonly close: () => void
}

/** The options of every log of ours: JSON lines, ISO times, no secrets. Who writes adds the field `service`. */
export const logOptions = () => ({
  level: 'info',
  base: { pid: process.pid },
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label: string) => ({ level: label }) },
  redact: { paths: REDACTED, censor: '***' },
})

/** A log that nobody reads, for commands that open a part of the services for a moment. */
export const quietLog = (): Logger => pino({ level: 'silent' })

/**
 * Opens the log of the services: JSON lines.
 *
 * @param file undefined: standard output
 * @param show told each line as well
 */
export async function openServiceLog(
  file: string | undefined,
  show?: (line: string) => void,
): Promise<ServiceLog> {
  if (file === undefined) {
    const output = pino.destination({ dest: 1, sync: true })
    return {
      log: pino(logOptions(), output),
      flush: () => flush(output),
      close: () => flush(output),
    }
  }
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const destination = pino.destination({ dest: file, sync: false, minLength: 4096, mode: 0o600 })
  const rotate = () => {
    try {
      if (sizeOf(file) <= LARGEST) return
      renameSync(file, `${file}.1`)
      destination.reopen()
    } catch {
      // The file system is broken or read-only: a log that grows on is better than services that end.
    }
  }
  await new Promise<void>((resolve, reject) => {
    destination.once('ready', resolve)
    destination.once('error', reject)
  })
  // A full disk must not end the services.
  destination.on('error', () => undefined)
  rotate()
  const looking = setInterval(rotate, LOOK_MS)
  looking.unref()
  const writing = setInterval(() => destination.flush(), 1000)
  writing.unref()
  return {
    log: pino(logOptions(), show === undefined ? destination : both(destination, show)),
    flush: () => flush(destination),
    close() {
      clearInterval(looking)
      clearInterval(writing)
      flush(destination)
    },
  }
}

/** Lines go to the file and to `show`. */
const both = (file: DestinationStream, show: (line: string) => void): DestinationStream => ({
  write(line) {
    file.write(line)
    show(line)
  },
})

function flush(destination: { readonly flushSync: () => void }): void {
  try {
    destination.flushSync()
  } catch {
    // The file system is full or gone: there is nowhere left to say so.
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
