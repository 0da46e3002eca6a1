import { broken } from '../errors.ts'
import type { Inode } from './inode.ts'
import type { Volume } from './volume.ts'

/** Blocks of a file that follow each other on the disk too. */
export interface Run {
  /** Place in the file, in blocks. */
  readonly logical: number
  /** Place on the disk; undefined for blocks that are reserved but were never written. */
  readonly physical: number | undefined
  readonly count: number
}

/** The runs of an inode in the order of the file. What lies between them is a hole. */
export function runsOf(inode: Inode, volume: Volume): Iterable<Run> {
  return inode.extents ? extentRuns(inode, volume) : pointerRuns(inode, volume)
}

const EXTENT_MAGIC = 0xf30a
/** A longer extent is one that was reserved and never written; its length is what is above. */
const MAX_WRITTEN = 32_768
const MAX_DEPTH = 5

/**
 * Walks the extent tree. Every node but the root must hold something, and places in the file must go up: so no node is
 * visited twice, and a tree that was made to go round is noticed.
 */
function* extentRuns(inode: Inode, volume: Volume): Generator<Run> {
  let next = 0
  const rootDepth = inode.block.readUInt16LE(6)
  if (rootDepth > MAX_DEPTH) throw brokenTree()
  yield* node(inode.block, rootDepth, true)

  function* node(bytes: Buffer, depth: number, root: boolean): Generator<Run> {
    const entries = bytes.readUInt16LE(2)
    const fits = 12 + entries * 12 <= bytes.length
    const sound = bytes.readUInt16LE(0) === EXTENT_MAGIC && bytes.readUInt16LE(6) === depth && fits
    if (!sound || (entries === 0 && !root)) throw brokenTree()
    for (let at = 12; at < 12 + entries * 12; at += 12) {
      if (depth > 0) {
        const child = bytes.readUInt32LE(at + 4) + bytes.readUInt16LE(at + 8) * 2 ** 32
        yield* node(volume.blocks(child, 1), depth - 1, false)
        continue
      }
      const logical = bytes.readUInt32LE(at)
      const length = bytes.readUInt16LE(at + 4)
      const written = length <= MAX_WRITTEN
      const count = written ? length : length - MAX_WRITTEN
      if (logical < next || count === 0) throw brokenTree()
      next = logical + count
      const physical = bytes.readUInt32LE(at + 8) + bytes.readUInt16LE(at + 6) * 2 ** 32
      yield { logical, physical: written ? physical : undefined, count }
    }
  }

  function brokenTree() {
    return broken('ext', `the extent tree of inode ${inode.number} is damaged`)
  }
}

/** Block pointers of ext2 and ext3: twelve, then one block of them, blocks of blocks, and one level more. */
function* pointerRuns(inode: Inode, volume: Volume): Generator<Run> {
  const perBlock = volume.superblock.blockSize / 4
  const end = Math.ceil(inode.size / volume.superblock.blockSize)
  /** Each block of pointers has one place: one that leads back to itself would have no end. */
  const visited = new Set<number>()
  let open: Run | undefined
  for (const [logical, physical] of pointers()) {
    if (
      open?.physical !== undefined &&
      open.logical + open.count === logical &&
      open.physical + open.count === physical
    ) {
      open = { ...open, count: open.count + 1 }
      continue
    }
    if (open !== undefined) yield open
    open = { logical, physical, count: 1 }
  }
  if (open !== undefined) yield open

  function* pointers(): Generator<readonly [number, number]> {
    let logical = 0
    for (let index = 0; index < 15; index++) {
      const depth = Math.max(0, index - 11)
      yield* below(inode.block.readUInt32LE(index * 4), depth, logical)
      logical += perBlock ** depth
    }
  }

  function* below(pointer: number, depth: number, logical: number): Generator<readonly [number, number]> {
    if (pointer === 0 || logical >= end) return
    if (depth === 0) {
      yield [logical, pointer]
      return
    }
    if (visited.has(pointer)) throw broken('ext', `the block pointers of inode ${inode.number} go round`)
    visited.add(pointer)
    const block = volume.blocks(pointer, 1)
    for (let index = 0; index < perBlock; index++) {
      yield* below(block.readUInt32LE(index * 4), depth - 1, logical + index * perBlock ** (depth - 1))
    }
  }
}
