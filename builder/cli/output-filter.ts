import { closeSync, openSync, writeSync } from 'node:fs'
import { CofferError } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import { timestamped } from '../../lib/log.ts'

/** Where the lines of a build go (DIB contract §1.9, outfilter). */
export interface OutputFilter {
  /** True when lines do not reach standard output. */
  readonly quiet: boolean
  readonly line: (text: string) => void
  readonly close: () => void
}

/**
 * Prefixes lines with the time and sends them to standard output, a log file, or both. `DIB_NO_TIMESTAMP=1` drops the
 * prefix on standard output, `DIB_QUIET=1` silences it; a log file implies quiet unless `DIB_QUIET` says otherwise.
 *
 * @throws CofferError `LOGFILE_FAILED`
 */
export function outputFilter(logFile: string | undefined, env: Environment, toStdout = true): OutputFilter {
  const quiet =
    env.DIB_QUIET === undefined || env.DIB_QUIET === '' ? logFile !== undefined : env.DIB_QUIET !== '0'
  const plain = !['', '0'].includes(env.DIB_NO_TIMESTAMP ?? '')
  const descriptor = logFile === undefined ? undefined : openLog(logFile)
  if (logFile !== undefined && toStdout) process.stdout.write(`Output logs going to: ${logFile}\n`)
  return {
    quiet: quiet || !toStdout,
    line(text) {
      if (/set \+o|xtrace/.test(text)) return
      if (descriptor !== undefined) writeSync(descriptor, `${timestamped(text)}\n`)
      if (toStdout && !quiet) process.stdout.write(`${plain ? text : timestamped(text)}\n`)
    },
    close() {
      if (descriptor !== undefined) closeSync(descriptor)
    },
  }
}

function openLog(path: string): number {
  try {
    return openSync(path, 'a', 0o640)
  } catch (error) {
    throw new CofferError('LOGFILE_FAILED', `The log file ${path} cannot be written: ${String(error)}`, {
      hint: 'Name a file in a directory that exists and is writable.',
      cause: error,
    })
  }
}
