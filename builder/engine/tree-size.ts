import { closeSync, lstatSync, openSync, readdirSync, readSync, type Stats } from 'node:fs'

/** What ext4 gives a file in: bytes. */
const BLOCK = 4096

/** Smaller files are taken as they are: at most this is counted too much for one with holes. */
const LARGE = 1024 ** 2

/** Symbolic links up to this length are kept in the inode (ext4). */
const SHORT_LINK = 59

/**
 * How much a tree takes on an ext4 file system, in KiB: as `du -x` counts there, except that blocks of zeros, which the disk
 * writer leaves out, count as holes. What du says depends on the file system that the tree is built on, and the size of the
 * image must not.
 */
export function treeKiB(tree: string): number {
  const top = lstatSync(tree)
  const seen = new Set<string>()
  const visit = (directory: Buffer): number => {
    const entries = readdirSync(directory, { withFileTypes: true, encoding: 'buffer' })
    // Eight bytes and the name for each, in steps of four.
    let bytes = inBlocks(entries.reduce((sum, { name }) => sum + 8 + Math.ceil(name.length / 4) * 4, 24))
    for (const entry of entries) {
      const path = Buffer.concat([directory, SLASH, entry.name])
      if (entry.isDirectory()) {
        if (lstatSync(path).dev === top.dev) bytes += visit(path)
      } else if (entry.isSymbolicLink()) {
        const { size } = lstatSync(path)
        bytes += size > SHORT_LINK ? BLOCK : 0
      } else if (entry.isFile()) {
        const stat = lstatSync(path)
        const { nlink, dev, ino, size } = stat
        const identity = nlink > 1 ? `${dev}:${ino}` : undefined
        if (identity !== undefined && seen.has(identity)) continue
        if (identity !== undefined) seen.add(identity)
        bytes += size < LARGE ? inBlocks(size) : filledOnce(path, stat)
      }
    }
    return bytes
  }
  return Math.ceil(visit(Buffer.from(tree)) / 1024)
}

const SLASH = Buffer.from('/')

function inBlocks(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK
}

/** What {@link filledBytes} said of files, by what changes with their content: a tree is measured twice in a build. */
const filled = new Map<string, number>()

function filledOnce(path: Buffer, { ino, size, mtimeMs, ctimeMs }: Stats): number {
  const identity = [ino, size, mtimeMs, ctimeMs].join(':')
  const bytes = filled.get(identity) ?? filledBytes(path)
  filled.set(identity, bytes)
  return bytes
}

/** Bytes of the blocks of a file that are not all zeros. */
function filledBytes(path: Buffer): number {
  const file = openSync(path, 'r')
  try {
    const chunk = Buffer.alloc(LARGE)
    const zeros = Buffer.alloc(BLOCK)
    let bytes = 0
    for (;;) {
      const length = readSync(file, chunk, 0, chunk.length, null)
      if (length === 0) return bytes
      for (let at = 0; at < length; at += BLOCK) {
        const end = Math.min(at + BLOCK, length)
        if (chunk.compare(zeros, 0, end - at, at, end) !== 0) bytes += BLOCK
      }
    }
  } finally {
    closeSync(file)
  }
}
