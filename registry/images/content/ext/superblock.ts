import { type Bytes, probe } from '../bytes.ts'
import { broken, unsupported } from '../errors.ts'

/** What is read of an ext2, ext3 or ext4 superblock (the kernel's Documentation/filesystems/ext4/). Sizes are bytes. */
export interface Superblock {
  readonly type: 'ext2' | 'ext3' | 'ext4'
  readonly label: string
  readonly uuid: Buffer
  readonly blockSize: number
  readonly blocks: number
  readonly freeBlocks: number
  readonly firstBlock: number
  readonly inodes: number
  readonly freeInodes: number
  readonly inodesPerGroup: number
  readonly inodeSize: number
  readonly descriptorSize: number
  readonly incompatible: number
  /** The journal holds changes that are not in place yet: the disk was copied while it was in use. */
  readonly needsRecovery: boolean
}

const SUPERBLOCK_OFFSET = 1024
const SUPERBLOCK_BYTES = 1024
const MAGIC = 0xef53

const COMPAT_JOURNAL = 0x4
const INCOMPAT_RECOVER = 0x4
const INCOMPAT_64BIT = 0x80
/**
 * Features without which nothing may be read: file types, recovery, extents, 64 bits, multiple mount protection, flexible
 * groups, attributes in inodes, checksum seed, large directories, case folding. Not read: compression, separate journal
 * devices, meta block groups, data in inodes, encryption.
 */
const INCOMPAT_READ =
  0x2 | INCOMPAT_RECOVER | 0x40 | INCOMPAT_64BIT | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x20000
/** With one of these blkid calls it ext4. */
const INCOMPAT_EXT4 = 0x40 | INCOMPAT_64BIT | 0x100 | 0x200
const RO_COMPAT_EXT4 = 0x8 | 0x10 | 0x20 | 0x40 | 0x400

/** The superblock, or undefined when there is none. */
export function readSuperblock(bytes: Bytes): Superblock | undefined {
  const block = probe(bytes, SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES)
  if (block === undefined || block.readUInt16LE(56) !== MAGIC) return undefined
  const incompatible = block.readUInt32LE(96)
  const wide = (incompatible & INCOMPAT_64BIT) !== 0
  const wideCount = (low: number, high: number) =>
    block.readUInt32LE(low) + (wide ? block.readUInt32LE(high) * 2 ** 32 : 0)
  const dynamic = block.readUInt32LE(76) >= 1
  const ext4 = (incompatible & INCOMPAT_EXT4) !== 0 || (block.readUInt32LE(100) & RO_COMPAT_EXT4) !== 0
  const journal = (block.readUInt32LE(92) & COMPAT_JOURNAL) !== 0
  return {
    type: ext4 ? 'ext4' : journal ? 'ext3' : 'ext2',
    label: untilNul(block.subarray(120, 136)),
    uuid: block.subarray(104, 120),
    blockSize: 2 ** (10 + Math.min(block.readUInt32LE(24), 20)),
    blocks: wideCount(4, 336),
    freeBlocks: wideCount(12, 344),
    firstBlock: block.readUInt32LE(20),
    inodes: block.readUInt32LE(0),
    freeInodes: block.readUInt32LE(16),
    inodesPerGroup: block.readUInt32LE(40),
    inodeSize: dynamic ? block.readUInt16LE(88) : 128,
    descriptorSize: wide ? block.readUInt16LE(254) : 32,
    incompatible,
    needsRecovery: (incompatible & INCOMPAT_RECOVER) !== 0,
  }
}

/**
 * Refuses a superblock whose numbers cannot be, or whose features are not read here.
 *
 * @throws CofferError IMAGE_CONTENT_BROKEN, IMAGE_CONTENT_UNSUPPORTED
 */
export function checkSuperblock(superblock: Superblock): void {
  const { type, blockSize, inodeSize, descriptorSize, inodesPerGroup, incompatible } = superblock
  const unknown = incompatible & ~INCOMPAT_READ
  if (unknown !== 0) throw unsupported(`its ${type} file system has features 0x${unknown.toString(16)}`)
  const sound =
    blockSize <= 65_536 &&
    isPowerOfTwo(inodeSize) &&
    inodeSize >= 128 &&
    inodeSize <= blockSize &&
    isPowerOfTwo(descriptorSize) &&
    descriptorSize >= 32 &&
    descriptorSize <= 1024 &&
    inodesPerGroup > 0 &&
    superblock.firstBlock <= 1
  if (!sound) throw broken(type, 'the numbers of its superblock cannot be')
}

export function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.subarray(0, end < 0 ? bytes.length : end).toString('utf8')
}

const isPowerOfTwo = (number: number): boolean => number > 0 && (number & (number - 1)) === 0
