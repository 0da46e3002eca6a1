import { broken } from '../errors.ts'
import { type NodeType, typeOfMode } from '../node.ts'

/** What is read of an inode. */
export interface Inode {
  readonly number: number
  readonly type: NodeType
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly modified: number
  readonly links: number
  readonly extents: boolean
  /** 60 bytes: the root of the extent tree, or block pointers, a short link's target, a device's number. */
  readonly block: Buffer
  /** Block with extended attributes; 0 for none. */
  readonly attributeBlock: number
  /** Extended attributes in the inode itself. */
  readonly inlineAttributes: Buffer
}

const CLASSIC_BYTES = 128
/** 2^32 blocks of the largest size. */
const MAX_SIZE = 2 ** 48
const FLAG_EXTENTS = 0x80000
const FLAG_ENCRYPTED = 0x800
const FLAG_INLINE_DATA = 0x10000000

/**
 * @param record the inode's bytes
 * @throws CofferError IMAGE_CONTENT_BROKEN when it is none that is in use
 */
export function parseInode(number: number, record: Buffer): Inode {
  const mode = record.readUInt16LE(0)
  const type = typeOfMode(mode)
  if (type === undefined) throw broken('ext', `inode ${number} is in use, but of no type`)
  const flags = record.readUInt32LE(32)
  if ((flags & (FLAG_ENCRYPTED | FLAG_INLINE_DATA)) !== 0) {
    throw broken('ext', `inode ${number} has flags that its file system does not`)
  }
  const more = record.length > CLASSIC_BYTES ? record.readUInt16LE(CLASSIC_BYTES) : 0
  const end = CLASSIC_BYTES + more
  if (end > record.length) throw broken('ext', `inode ${number} is larger than it can be`)
  // The two lowest bits of the extra field continue the seconds past 2038.
  const epoch = end >= 140 ? record.readUInt32LE(136) & 3 : 0
  const size = record.readUInt32LE(4) + (hasLargeSize(type) ? record.readUInt32LE(108) * 2 ** 32 : 0)
  if (size > MAX_SIZE) throw broken('ext', `inode ${number} says it has ${size} bytes`)
  return {
    number,
    type,
    mode: mode & 0o7777,
    uid: record.readUInt16LE(2) + record.readUInt16LE(120) * 65_536,
    gid: record.readUInt16LE(24) + record.readUInt16LE(122) * 65_536,
    size,
    modified: record.readInt32LE(16) + epoch * 2 ** 32,
    links: record.readUInt16LE(26),
    extents: (flags & FLAG_EXTENTS) !== 0,
    block: record.subarray(40, 100),
    attributeBlock: record.readUInt32LE(104) + record.readUInt16LE(118) * 2 ** 32,
    inlineAttributes: record.subarray(end),
  }
}

const hasLargeSize = (type: NodeType): boolean => type === 'file' || type === 'directory'

/** A device's numbers: the old form in the first word, or the new one in the second. */
export function deviceNumbers(block: Buffer): readonly [number, number] {
  const old = block.readUInt32LE(0)
  if (old !== 0) return [(old >> 8) & 0xff, old & 0xff]
  const wide = block.readUInt32LE(4)
  return [(wide >> 8) & 0xfff, (wide & 0xff) | ((wide >>> 12) & 0xfff00)]
}
