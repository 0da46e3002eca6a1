import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CleanupStack } from '../../lib/cleanup.ts'
import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import { mount, unmount } from '../../lib/mount.ts'
import { listTree, readingDirection, readsInOrder } from './reading-order.ts'

/** What {@link orderedCopy} takes. */
export interface OrderedCopyRequest {
  /** Any directory, on any file system. It is only read. */
  readonly tree: string
  /** A directory of ours; a tmpfs is mounted in it. */
  readonly scratch: string
  /** Times of last change become at most this: seconds since 1970. */
  readonly latest: number
  /** Gets the releases. */
  readonly cleanup: CleanupStack
}

/** Where to read from, and why the order there is not certain. */
export interface OrderedCopy {
  readonly path: string
  readonly unordered?: string
}

/**
 * Copies a tree so that whoever reads its directories meets the entries in byte order of their names. Programs that fill
 * file systems number files as they meet them, and the order of a directory depends on its history, its file system and
 * the kernel.
 *
 * The copy is made on a fresh tmpfs, which gives the entries in the order they were made in, first or last first; which of
 * the two is tried out. Owners, modes, times of last change, extended attributes, ACLs, hard links, devices and holes are
 * kept; sockets are left out.
 *
 * @returns the tree itself, with a reason, where the memory does not suffice or the kernel's tmpfs is not up to it
 * @throws CofferError `TREE_NOT_COPIED`
 */
export async function orderedCopy(request: OrderedCopyRequest): Promise<OrderedCopy> {
  const { tree, scratch, latest, cleanup } = request
  const point = await mkdtemp(join(scratch, 'ordered-'))
  cleanup.defer(`the directory ${point}`, () => rmdir(point))
  await mount({ source: 'tmpfs', target: point, type: 'tmpfs', options: ['mode=700', 'size=100%'] })
  cleanup.defer(`the ordered copy ${point}`, () => unmount(point))
  const unordered = (reason: string): OrderedCopy => ({ path: tree, unordered: reason })

  const direction = readingDirection(point)
  if (direction === undefined)
    return unordered('this kernel reads the directories of a tmpfs in no known order')
  const { paths, bytes } = listTree(tree, direction)
  if (bytes + SPARE_BYTES > freeMemory()) return unordered('the memory does not suffice for a copy in order')
  const [list, copy] = [join(point, 'list'), join(point, 'tree')]
  await writeFile(list, Buffer.concat(paths.flatMap((path) => [path, Buffer.of(0)])))
  await mkdir(copy)
  const { exitCode, stderr } = await run(
    ['/bin/bash', '-c', COPY, 'ordered-copy', tree, list, copy, `--mtime=@${latest}`, '--clamp-mtime'],
    { env: { ...process.env, LC_ALL: 'C', TZ: 'UTC', TAR_OPTIONS: '' }, check: false },
  )
  const problems = stderr.split('\n').filter((line) => line !== '' && !/: socket ignored$/.test(line))
  if (exitCode !== 0 || problems.some((line) => !line.includes('xattr'))) {
    throw new CofferError('TREE_NOT_COPIED', `The tree could not be copied in order: ${problems.join(' ')}`)
  }
  if (problems.length > 0) {
    return unordered('the tmpfs of this kernel cannot hold all extended attributes of the tree')
  }
  if (!readsInOrder(copy)) return unordered('the tmpfs of this kernel does not keep the order of its entries')
  return { path: copy }
}

/** What other programs, and the file systems being written, need beside the copy. */
const SPARE_BYTES = 256 * 1024 ** 2

/**
 * -P makes links at once: otherwise tar makes some at the end, which changes the order. No name leads out of the copy:
 * they come from a tree, where nothing lies below a link.
 */
const COPY = `set -o pipefail
tree=$1 list=$2 copy=$3
shift 3
kept=(--xattrs '--xattrs-include=*' --acls --numeric-owner)
tar "\${kept[@]}" "$@" --format=posix --sparse -C "$tree" --no-recursion --null --verbatim-files-from -T "$list" -cf - |
    tar "\${kept[@]}" --same-owner --preserve-permissions --warning=no-timestamp -P -C "$copy" -xf -`

/** Bytes of memory and swap that are free for use. */
function freeMemory(): number {
  const text = readFileSync('/proc/meminfo', 'utf8')
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
  return (kib('MemAvailable') + kib('SwapFree')) * 1024
}
