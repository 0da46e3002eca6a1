import { CofferError } from '../../lib/errors.ts'
import { type Environment, run } from '../../lib/exec.ts'
import { insideEnvironment } from '../../phases/environment.ts'

/** Where scripts run: on the host beside the tree, or in a chroot. */
export interface Place {
  readonly chroot: string | undefined
}

/**
 * Sources environment files in one strict shell and returns the environment they leave behind (DIB contract §1.4).
 *
 * The last line tells a file that left early: DIB would then skip every script of the phase and call it a success.
 * @throws CofferError `ENVIRONMENT_FILE_FAILED` with the shell's status
 */
export async function sourceEnvironment(
  files: readonly string[],
  place: Place,
  env: Environment,
  print: (line: string) => void,
): Promise<Record<string, string>> {
  const start = inPlace(place, env)
  const lines: string[] = []
  const result = await run([...start.prefix, '/bin/bash', '-c', SOURCE, 'dib-run-parts', ...files], {
    env: start.env,
    check: false,
  })
  for (const line of result.stderr.split('\n').filter((text) => text !== '')) {
    lines.push(line)
    print(line)
  }
  const fields = result.stdout.split('\0')
  if (result.exitCode !== 0 || fields.at(-1) !== MARK) {
    const last = lines
      .findLast((line) => line.includes('Sourcing environment file'))
      ?.split(' ')
      .at(-1)
    const why = result.exitCode === 0 ? 'ended the shell with exit' : `failed with status ${result.exitCode}`
    throw new CofferError('ENVIRONMENT_FILE_FAILED', `The environment file ${last ?? '(none)'} ${why}`, {
      exitCode: result.exitCode === 0 ? 1 : result.exitCode,
      hint: 'Environment files are sourced under `set -eu -o pipefail`: give unset variables a default, and use return instead of exit.',
    })
  }
  return Object.fromEntries(
    fields
      .slice(0, -1)
      .map((field) => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]),
  )
}

const MARK = 'coffer-environment-complete'
const SOURCE = `exec 3>&1 1>&2
set -u -e -o pipefail
for dib_environment_file in "$@"; do
    echo "dib-run-parts Sourcing environment file $dib_environment_file"
    set -o xtrace
    source "$dib_environment_file"
    { set +o xtrace; } 2>/dev/null
done
set +u
unset dib_environment_file
env -0 >&3
printf %s ${MARK} >&3`

/**
 * Runs one hook script and returns its exit status. A script without a shebang runs under bash, as bash's own `exec`
 * does after ENOEXEC (DIB contract §1.4).
 */
export async function runScript(
  path: string,
  place: Place,
  env: Environment,
  onLine: (line: string, stream: 'stdout' | 'stderr') => void,
): Promise<{ readonly status: number; readonly seconds: number; readonly replay: string }> {
  const start = inPlace(place, env)
  const result = await run([...start.prefix, '/bin/bash', '-c', 'exec "$0"', path], {
    env: start.env,
    check: false,
    onLine,
  })
  return { status: result.exitCode, seconds: result.durationMs / 1000, replay: result.replay }
}

/** The argv prefix and environment that start a program in a place. */
export function inPlace(
  place: Place,
  env: Environment,
): { readonly prefix: [string, ...string[]]; readonly env: Environment } {
  if (place.chroot === undefined) return { prefix: ['/usr/bin/env', '--'], env }
  return { prefix: ['chroot', place.chroot], env: insideEnvironment(env) }
}
