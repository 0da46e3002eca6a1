import { CofferError, describeError } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import { acceptDownload, downloadRules, findLocked } from '../lock/locked-downloads.ts'
import { acceptSource, acceptSystem } from '../lock/locked-sources.ts'

const USAGE = `Usage: build-input find URL PART [AT_HAND]
       build-input keep URL FILE
       build-input source NAME LOCATION REF REVISION
       build-input system DISTRIBUTION RELEASE`

/**
 * Called by scripts outside of the chroot that take something from elsewhere than a package archive, so that the build's
 * record and lock hold it, and a locked build gets what its lock names (COFFER_RECORD, COFFER_LOCKED, COFFER_LOCKING).
 *
 * `find` says `current` (AT_HAND is what the lock names), `placed` (it is in PART now) or `absent` (download it). The
 * others end with an error when the lock names something else.
 *
 * @throws CofferError `BUILD_INPUT_USAGE` and what the lock refuses
 */
export async function buildInput(args: readonly string[], env: Environment): Promise<string> {
  const [command, ...words] = args
  const rules = await downloadRules(env)
  const [first = '', second = '', third, fourth] = words
  if (command === 'find' && (words.length === 2 || words.length === 3)) {
    return `${await findLocked(rules, first, second, third === '' ? undefined : third)}\n`
  }
  if (command === 'keep' && words.length === 2) await acceptDownload(rules, first, second)
  else if (command === 'source' && third !== undefined && fourth !== undefined && words.length === 4) {
    await acceptSource(rules, { name: first, location: second, ref: third, revision: fourth })
  } else if (command === 'system' && words.length === 2) {
    await acceptSystem(rules, { distribution: first, release: second })
  } else {
    throw new CofferError('BUILD_INPUT_USAGE', USAGE, { exitCode: 2 })
  }
  return ''
}

if (import.meta.main) {
  try {
    process.stdout.write(await buildInput(process.argv.slice(2), process.env))
  } catch (error) {
    process.stderr.write(`ERROR: ${describeError(error)}\n`)
    process.exitCode = error instanceof CofferError ? error.exitCode : 1
  }
}
