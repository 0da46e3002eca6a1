import { crc32c } from '../../lib/crc32c.ts'
import { CofferError } from '../../lib/errors.ts'

/*
 * The parts of the on-disk format of ext2, ext3 and ext4 that hold times (Linux, fs/ext4/ext4.h and
 * Documentation/filesystems/ext4). Everything is little-endian.
 */

/** Where the superblock lies, from the start of the file system, and its size. */
export const SUPERBLOCK_OFFSET = 1024
export const SUPERBLOCK_BYTES = 1024
const MAGIC = 0xef53

const COMPAT_SPARSE_SUPER2 = 0x200
const INCOMPAT_META_BG = 0x10
const INCOMPAT_64BIT = 0x80
const INCOMPAT_CSUM_SEED = 0x2000
const RO_COMPAT_SPARSE_SUPER = 0x1
const RO_COMPAT_METADATA_CSUM = 0x400

/** What is needed to find every inode. */
export interface ExtGeometry {
  readonly blockSize: number
  readonly firstDataBlock: number
  readonly blocksPerGroup: number
  readonly inodesPerGroup: number
  readonly inodeSize: number
  /** The first inode that is not reserved: lost+found. */
  readonly firstInode: number
  readonly groups: number
  readonly descriptorSize: number
  /** Start of inodes' checksums; undefined when there are none. */
  readonly checksumSeed: number | undefined
  /** The block with the descriptor of a group, and its place there in bytes. */
  readonly descriptorOf: (group: number) => { readonly block: number; readonly offset: number }
  /** Groups after the first that begin with a copy of the superblock. */
  readonly backups: readonly number[]
}

/** Reads the geometry from the bytes of a superblock. @throws CofferError `BLOCK_DEVICE_FILE_SYSTEM_BROKEN` */
export function readGeometry(superblock: Buffer): ExtGeometry {
  const word = (offset: number) => superblock.readUInt32LE(offset)
  if (superblock.readUInt16LE(0x38) !== MAGIC) {
    throw new CofferError('BLOCK_DEVICE_FILE_SYSTEM_BROKEN', 'The new file system has no ext superblock')
  }
  const [compat, incompat, roCompat] = [word(0x5c), word(0x60), word(0x64)]
  const wide = (incompat & INCOMPAT_64BIT) !== 0
  const blocks = word(0x4) + (wide ? word(0x150) * 2 ** 32 : 0)
  const blockSize = 1024 << word(0x18)
  const firstDataBlock = word(0x14)
  const blocksPerGroup = word(0x20)
  const groups = Math.ceil((blocks - firstDataBlock) / blocksPerGroup)
  const descriptorSize = (wide ? superblock.readUInt16LE(0xfe) : 0) || 32
  const perBlock = blockSize / descriptorSize
  const firstMeta = incompat & INCOMPAT_META_BG ? word(0x104) : Number.POSITIVE_INFINITY
  const backups =
    compat & COMPAT_SPARSE_SUPER2
      ? [word(0x24c), word(0x250)].filter((group) => group > 0)
      : Array.from({ length: groups - 1 }, (_, index) => index + 1).filter(
          (group) => (roCompat & RO_COMPAT_SPARSE_SUPER) === 0 || isSparseBackup(group),
        )
  return {
    blockSize,
    firstDataBlock,
    blocksPerGroup,
    inodesPerGroup: word(0x28),
    inodeSize: word(0x4c) === 0 ? 128 : superblock.readUInt16LE(0x58),
    firstInode: word(0x4c) === 0 ? 11 : word(0x54),
    groups,
    descriptorSize,
    checksumSeed: (roCompat & RO_COMPAT_METADATA_CSUM) === 0 ? undefined : seedOf(superblock, incompat),
    backups,
    descriptorOf(group) {
      const index = Math.floor(group / perBlock)
      const offset = (group % perBlock) * descriptorSize
      if (index < firstMeta) return { block: firstDataBlock + 1 + index, offset }
      const first = index * perBlock
      const after = first === 0 || backups.includes(first) ? 1 : 0
      return { block: firstDataBlock + first * blocksPerGroup + after, offset }
    },
  }
}

function seedOf(superblock: Buffer, incompat: number): number {
  if (incompat & INCOMPAT_CSUM_SEED) return superblock.readUInt32LE(0x270)
  return crc32c(0xffffffff, superblock.subarray(0x68, 0x78))
}

/** Copies are in groups 0 and 1 and in those whose number is a power of 3, 5 or 7. */
function isSparseBackup(group: number): boolean {
  if (group <= 1) return true
  return [3, 5, 7].some((base) => {
    let power = base
    while (power < group) power *= base
    return power === group
  })
}

/** The places of an inode bitmap and an inode table, in blocks, from a group's descriptor. */
export function readDescriptor(bytes: Buffer): {
  readonly bitmap: number
  readonly table: number
  readonly unused: boolean
} {
  const high = (offset: number) => (bytes.length >= 64 ? bytes.readUInt32LE(offset) * 2 ** 32 : 0)
  return {
    bitmap: bytes.readUInt32LE(0x4) + high(0x24),
    table: bytes.readUInt32LE(0x8) + high(0x28),
    // INODE_UNINIT: the bitmap has not been written, no inode is in use.
    unused: (bytes.readUInt16LE(0x12) & 1) !== 0,
  }
}

/** Sets every time of a superblock and its checksum. What the file system's making has written is no longer counted. */
export function setSuperblockTime(superblock: Buffer, seconds: number): void {
  const [low, high] = [seconds % 2 ** 32, Math.floor(seconds / 2 ** 32)]
  // Written, checked, made. It has not been mounted.
  for (const [offset, offsetOfHigh] of [
    [0x30, 0x274],
    [0x40, 0x277],
    [0x108, 0x276],
  ] as const) {
    superblock.writeUInt32LE(low, offset)
    superblock.writeUInt8(high, offsetOfHigh)
  }
  superblock.fill(0, 0x178, 0x180)
  if (superblock.readUInt32LE(0x64) & RO_COMPAT_METADATA_CSUM) {
    superblock.writeUInt32LE(crc32c(0xffffffff, superblock.subarray(0, 0x3fc)), 0x3fc)
  }
}

const EA_INODE_FLAG = 0x200000
const TIME_FIELDS = { atime: 0x08, ctime: 0x0c, mtime: 0x10, crtime: 0x90 } as const
const EXTRA_FIELDS = { atime: 0x8c, ctime: 0x84, mtime: 0x88, crtime: 0x94 } as const

/**
 * Makes all times of an inode the time of its last change, at most `latest`, in whole seconds.
 *
 * @param always true sets `latest` itself, for inodes that mke2fs makes
 */
export function setInodeTimes(inode: Buffer, latest: number, always: boolean): void {
  // Inodes of large extended attributes keep a hash and a count in place of times.
  if (inode.readUInt32LE(0x20) & EA_INODE_FLAG) return
  const extra = inode.length > 128 ? inode.readUInt16LE(0x80) : 0
  const holds = (offset: number) => offset + 4 <= 128 + extra
  const epoch = holds(EXTRA_FIELDS.mtime) ? inode.readUInt32LE(EXTRA_FIELDS.mtime) & 3 : 0
  const changed = inode.readInt32LE(TIME_FIELDS.mtime) + epoch * 2 ** 32
  const seconds = always ? latest : Math.min(changed, latest)
  const low = seconds | 0
  const high = ((seconds - low) / 2 ** 32) & 3
  for (const name of ['atime', 'ctime', 'mtime', 'crtime'] as const) {
    if (name !== 'crtime' || holds(TIME_FIELDS.crtime)) inode.writeInt32LE(low, TIME_FIELDS[name])
    if (holds(EXTRA_FIELDS[name])) inode.writeUInt32LE(high, EXTRA_FIELDS[name])
  }
}

/** Writes the checksum of an inode. */
export function setInodeChecksum(inode: Buffer, number: number, seed: number): void {
  const high = inode.length > 128 && inode.readUInt16LE(0x80) >= 4
  inode.writeUInt16LE(0, 0x7c)
  if (high) inode.writeUInt16LE(0, 0x82)
  const id = Buffer.alloc(4)
  id.writeUInt32LE(number)
  const sum = crc32c(crc32c(crc32c(seed, id), inode.subarray(0x64, 0x68)), inode)
  inode.writeUInt16LE(sum & 0xffff, 0x7c)
  if (high) inode.writeUInt16LE(sum >>> 16, 0x82)
}
