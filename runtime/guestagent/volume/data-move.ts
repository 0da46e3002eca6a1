import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../../lib/errors.ts'
import { run } from '../../../lib/exec.ts'
import { removeTree } from '../../../lib/tree.ts'
import { writeAtomically } from '../../../lib/write-atomically.ts'
import { guestError } from '../errors.ts'

/** The file at the top of a volume that says whose it is and how far it has come. */
export const MARK = '.coffer-volume'

const WASTE = '.coffer-waste'

/** What the mark says. `copying`: what is here came from the image and is incomplete. `ready`: the only copy. */
export interface VolumeMark {
  readonly instanceId: string
  readonly datastore: string
  readonly state: 'copying' | 'ready'
}

/** The mark of a mounted volume. A volume with other files and no mark is somebody's data. */
export async function markOf(root: string): Promise<VolumeMark | 'empty' | 'foreign'> {
  try {
    return JSON.parse(await readFile(join(root, MARK), 'utf8')) as VolumeMark
  } catch (error) {
    if (error instanceof SyntaxError) return 'foreign'
    if (!isErrno(error, 'ENOENT')) throw error
  }
  const names = await readdir(root)
  return names.every((name) => name === 'lost+found') ? 'empty' : 'foreign'
}

/** Sets the mark. */
export const setMark = (root: string, mark: VolumeMark): Promise<void> =>
  writeAtomically(join(root, MARK), `${JSON.stringify(mark)}\n`, 0o600)

/**
 * Copies a tree with owners, modes, times, links and holes, and compares. What an interrupted copy left is replaced.
 *
 * @throws CofferError `GUEST_ERROR` when the copy is not the same.
 */
export async function copyData(source: string, target: string): Promise<void> {
  await emptyDirectory(target)
  const copy = await run(['cp', '--archive', '--sparse=always', '--', `${source}/.`, target], {
    check: false,
    timeoutMs: 900_000,
  })
  if (copy.exitCode !== 0) throw guestError(`the data could not be copied to the volume: ${copy.stderr}`)
  if (inventory(source) !== inventory(target))
    throw guestError('the copy of the data on the volume differs from the image')
  await run(['sync', '--file-system', '--', target])
}

/**
 * Deletes what a directory holds, but not the mark, and not the directory itself. One deletion in place of one for each
 * name: starting a program costs an emulated processor more than its work.
 */
export async function emptyDirectory(directory: string): Promise<void> {
  // Engines take every directory of their data directory for their own; this one they may not even read.
  await rmdir(join(directory, 'lost+found')).catch(() => undefined)
  const names = (await readdir(directory)).filter((name) => name !== MARK)
  if (names.length === 0) return
  const waste = join(directory, WASTE)
  await mkdir(waste, { recursive: true })
  for (const name of names) if (name !== WASTE) await rename(join(directory, name), join(waste, name))
  await removeTree(waste)
}

/**
 * Every file with its kind, mode, owner, size and link target, in the order of the names. Asked for without threads: on an
 * emulated processor handing each call to one takes longer than the call.
 */
function inventory(root: string): string {
  const lines: string[] = []
  const visit = (path: string): void => {
    const place = join(root, path)
    const stats = lstatSync(place)
    const more = stats.isFile() ? String(stats.size) : stats.isSymbolicLink() ? readlinkSync(place) : ''
    lines.push([path, stats.mode, stats.uid, stats.gid, more].join(' '))
    if (!stats.isDirectory()) return
    for (const name of readdirSync(place).sort()) if (path !== '' || name !== MARK) visit(join(path, name))
  }
  visit('')
  return lines.join('\0')
}
