import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { CofferError } from '../../lib/errors.ts'
import { getopt } from '../../lib/getopt.ts'
import { lineLog } from '../../lib/log.ts'
import { lockDigest } from '../lock/lock.ts'
import { lockChanges } from '../lock/lock-changes.ts'
import { readLock } from '../lock/parse-lock.ts'
import { showChanges, showLock } from '../lock/show-lock.ts'
import { type BuildOption, optionRows } from '../request/options.ts'

const PROGRAM = 'build-image lock'

const options: readonly BuildOption[] = [
  { names: ['--json'], argument: false, help: 'print JSON for a program' },
  {
    names: ['--image-cache'],
    argument: true,
    placeholder: 'directory',
    help: 'where downloads are kept (default ~/.cache/image-create)',
  },
  { names: ['-h', '--help'], argument: false, help: 'display this help and exit' },
]

/** The text of `build-image lock --help`; also in the reference of commands. */
export const lockUsage = `Usage: ${PROGRAM} show FILE [--json]
       ${PROGRAM} update FILE [--json]

Locks are written by a build with --lock and used by one with --locked.

show prints what a lock names. update asks the archives, source repositories and servers what a lock would name if it
were made now, and prints the differences; it writes nothing. Its status is 1 when one of them could not be asked. The
mirrors asked are those of the lock, or what DIB_DISTRIBUTION_MIRROR and DIB_DEBIAN_SECURITY_MIRROR name.

Options:
${optionRows(options)}
`

/** `build-image lock show FILE`, `build-image lock update FILE`. @throws CofferError `LOCK_COMMAND_USAGE` and of the lock */
export async function lockCommand(args: readonly string[]): Promise<number> {
  const line = getopt(PROGRAM, args, options)
  const value = (name: string) => line.options.findLast((option) => option.name === name)?.value
  if (value('-h') !== undefined) {
    process.stdout.write(lockUsage)
    return 0
  }
  const [action, file, ...others] = line.words
  if ((action !== 'show' && action !== 'update') || file === undefined || others.length > 0) {
    throw new CofferError('LOCK_COMMAND_USAGE', `${PROGRAM} needs show or update, and one lock file`, {
      hint: `See ${PROGRAM} --help`,
      exitCode: 2,
    })
  }
  const lock = await readLock(file)
  const json = value('--json') !== undefined
  const print = (text: string, data: unknown) =>
    process.stdout.write(json ? `${JSON.stringify(data, undefined, 2)}\n` : text)
  if (action === 'show') {
    const sha256 = lockDigest(lock)
    print(showLock(lock, sha256), { sha256, ...lock })
    return 0
  }
  const cache = value('--image-cache') ?? (process.env.DIB_IMAGE_CACHE || undefined)
  const changes = await lockChanges(lock, {
    cacheDir: join(resolve(cache ?? `${process.env.HOME ?? homedir()}/.cache/image-create`), 'packages'),
    offline: false,
    log: lineLog((text) => process.stderr.write(`${text}\n`)),
    env: process.env,
  })
  print(showChanges(lock, changes, file), {
    changed: changes.some(({ problem }) => problem === undefined),
    changes,
  })
  return changes.some(({ problem }) => problem !== undefined) ? 1 : 0
}
