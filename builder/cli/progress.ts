import type { BuildEvent } from '../engine/events.ts'

/** Where progress is shown. */
export interface ProgressScreen {
  readonly write: (text: string) => void
  /** A terminal: the running script is shown on a line that is rewritten. */
  readonly live: boolean
  readonly columns: number
}

/** Shows a build by phase and script, with times: one line a script that took a noticeable time. */
export function progress(screen: ProgressScreen): { readonly event: (event: BuildEvent) => void } {
  const clear = screen.live ? '\r\u001b[K' : ''
  const line = (text: string) => screen.write(`${clear}${text}\n`)
  const running = (text: string) => {
    if (screen.live) screen.write(`${clear}${text.slice(0, screen.columns - 1)}`)
  }
  return {
    event(event) {
      switch (event.event) {
        case 'phase-started':
          line(`${event.phase.padEnd(16)} ${event.scripts} ${event.scripts === 1 ? 'script' : 'scripts'}`)
          return
        case 'script-started':
          running(`    ${event.script} (${event.element}) …`)
          return
        case 'script-finished':
          if (event.seconds >= 0.5 || event.status !== 0)
            line(row(`${event.script} (${event.element})`, event.seconds))
          return
        case 'step-started':
          running(`${event.step} …`)
          return
        case 'step-finished':
          if (event.seconds >= 0.5) line(row(event.step, event.seconds))
          return
        default:
          running('')
      }
    },
  }
}

function row(text: string, seconds: number): string {
  return `    ${text.padEnd(52)} ${seconds.toFixed(1).padStart(7)} s`
}

/** `312 MiB`, for people. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 1 : 0)} MiB`
}
