import { printable } from '../../../../lib/printable.ts'

/** Says how far something is. */
export interface Progress {
  /** @param elapsed milliseconds */
  readonly say: (name: string, status: string, elapsed: number) => void
  /** Leaves the line. */
  readonly end: () => void
}

/**
 * Progress for a person: on a terminal one line that changes, elsewhere one line for each change of status.
 *
 * @param write takes text for the error stream
 */
export function progressTo(write: (text: string) => void, terminal: boolean): Progress {
  let last = ''
  let open = false
  return {
    say: (name, status, elapsed) => {
      const text = printable(`${name}: ${status} (${duration(elapsed)})`)
      if (terminal) {
        write(`\r\x1b[K${text}`)
        open = true
      } else if (`${name} ${status}` !== last) {
        write(`${text}\n`)
      }
      last = `${name} ${status}`
    },
    end: () => {
      if (open) write('\n')
      open = false
      last = ''
    },
  }
}

/** `42s`, `3m 05s`. */
function duration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  const rest = String(seconds % 60).padStart(2, '0')
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m ${rest}s`
}
