import { lstatSync, mkdirSync, opendirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'

/** `1` when a directory's entries are read in the order they were made in, `-1` when the newest comes first. */
export type Direction = 1 | -1

/** Tries out which way a file system reads its directories; undefined when it is neither. */
export function readingDirection(directory: string): Direction | undefined {
  const probe = join(directory, 'probe')
  const names = ['b', 'a', 'd', 'c']
  mkdirSync(probe)
  for (const name of names) mkdirSync(join(probe, name))
  const read = entriesAsRead(probe).map(String)
  for (const name of names) rmdirSync(join(probe, name))
  rmdirSync(probe)
  if (read.join() === names.join()) return 1
  return read.join() === names.toReversed().join() ? -1 : undefined
}

/** The paths of a tree, and about how many bytes of disk it takes. */
export interface TreeListing {
  /** Relative, as bytes, because a name need not be text; the first is `.`. */
  readonly paths: readonly Buffer[]
  readonly bytes: number
}

/**
 * Lists a tree in the order in which to make it, so that the given direction of reading gives every directory in byte
 * order. A directory comes before what is in it.
 */
export function listTree(tree: string, direction: Direction): TreeListing {
  const paths = [Buffer.from('.')]
  let bytes = 0
  const visit = (directory: Buffer) => {
    const entries = readdirSync(absolute(tree, directory), { withFileTypes: true, encoding: 'buffer' })
    entries.sort((a, b) => direction * Buffer.compare(a.name, b.name))
    for (const entry of entries) {
      const path = Buffer.concat([directory, SLASH, entry.name])
      paths.push(path)
      if (entry.isDirectory()) visit(path)
      else if (entry.isFile()) bytes += lstatSync(absolute(tree, path)).blocks * 512
    }
  }
  visit(Buffer.from('.'))
  return { paths, bytes }
}

/** Whether every directory of a tree is read in byte order of its names. */
export function readsInOrder(tree: string): boolean {
  const inOrder = (directory: Buffer): boolean => {
    const names = entriesAsRead(absolute(tree, directory))
    if (names.some((name, index) => index > 0 && Buffer.compare(names[index - 1] ?? name, name) > 0))
      return false
    return readdirSync(absolute(tree, directory), { withFileTypes: true, encoding: 'buffer' })
      .filter((entry) => entry.isDirectory())
      .every((entry) => inOrder(Buffer.concat([directory, SLASH, entry.name])))
  }
  return inOrder(Buffer.from('.'))
}

const SLASH = Buffer.from('/')

function absolute(tree: string, path: Buffer): Buffer {
  return Buffer.concat([Buffer.from(tree), SLASH, path])
}

/** The names of a directory in the file system's own order: readdir of Node sorts them. */
function entriesAsRead(directory: string | Buffer): Buffer[] {
  const names: Buffer[] = []
  // Its types know no bytes as names, which it can give.
  const handle = opendirSync(directory, { encoding: 'buffer' as BufferEncoding })
  try {
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
      names.push(entry.name as unknown as Buffer)
    }
  } finally {
    handle.closeSync()
  }
  return names
}
