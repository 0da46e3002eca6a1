import { access } from 'node:fs/promises'
import { run } from '../../lib/exec.ts'
import type { Build } from './build.ts'
import { inPlace, type Place } from './script.ts'

/**
 * Opens a debug shell where the caller's `break=` asks for one (DIB contract §1.8): `before-<phase>`, `after-<phase>`,
 * `after-error`. The shell gets this terminal; the build goes on when it ends.
 */
export async function breakAt(build: Build, stage: string, place: Place, env = build.env): Promise<void> {
  if (!build.job.request.breaks.includes(stage)) return
  build.print('Starting debug shell. Exit to resume building.')
  build.print(`At stage ${stage}`)
  const outside =
    place.chroot === undefined || (stage === 'after-error' && build.env.break_outside_target !== undefined)
  const custom = stage.startsWith('before-') || stage === 'after-error' ? build.env.break_cmd : undefined
  // break_cmd is a command line by DIB's contract: the caller's own words, split at blanks.
  const words =
    custom !== undefined && (outside || stage === 'after-error')
      ? custom.split(/\s+/).filter((word) => word !== '')
      : ['bash']
  const start = inPlace({ chroot: outside ? undefined : place.chroot }, env)
  await run([...start.prefix, ...(await onTerminal()), ...words], {
    env: start.env,
    stdio: 'inherit',
    check: false,
  })
  build.print('Resuming')
}

/** Output of the worker is piped; a shell for a person belongs on the terminal itself, if there is one. */
async function onTerminal(): Promise<string[]> {
  if (!process.stdin.isTTY) return []
  await access('/dev/tty')
  return ['/bin/sh', '-c', 'exec "$@" </dev/tty >/dev/tty 2>&1', 'terminal']
}
