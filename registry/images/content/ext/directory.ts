import { broken, unsupported } from '../errors.ts'
import { decodeName } from '../name.ts'
import type { Inode } from './inode.ts'
import { runsOf } from './runs.ts'
import type { Volume } from './volume.ts'

/** A larger directory is damage or an attack: it would hold millions of names. */
const MAX_BYTES = 256 * 1024 ** 2

/**
 * Names of a directory and their inodes, without `.` and `..`. Indexed directories are read from end to end as well: the
 * nodes of their index look like free space.
 *
 * @throws CofferError IMAGE_CONTENT_BROKEN
 */
export function readDirectory(inode: Inode, volume: Volume): ReadonlyMap<string, number> {
  const { blockSize } = volume.superblock
  if (inode.size > MAX_BYTES) throw unsupported(`a directory has ${inode.size} bytes`)
  const end = Math.ceil(inode.size / blockSize)
  const names = new Map<string, number>()
  for (const { logical, physical, count } of runsOf(inode, volume)) {
    if (physical === undefined) throw damaged(inode)
    for (let index = 0; index < count && logical + index < end; index++) {
      readBlock(volume.blocks(physical + index, 1), inode, names)
    }
  }
  return names
}

function readBlock(block: Buffer, inode: Inode, names: Map<string, number>): void {
  for (let at = 0; at + 8 <= block.length; ) {
    const length = entryLength(block.readUInt16LE(at + 4), block.length)
    const nameLength = block.readUInt8(at + 6)
    if (length < 8 || at + length > block.length || nameLength + 8 > length) throw damaged(inode)
    const number = block.readUInt32LE(at)
    if (number !== 0) {
      const bytes = block.subarray(at + 8, at + 8 + nameLength)
      const name = decodeName(bytes)
      if (name !== '.' && name !== '..') {
        // A name twice, or one that would be a path, leads a reader astray.
        if (name === '' || names.has(name) || bytes.includes(0) || bytes.includes(0x2f)) throw damaged(inode)
        names.set(name, number)
      }
    }
    at += length
  }
}

/** Blocks of 64 KiB have entries whose length does not fit the field: the kernel's ext4_rec_len_from_disk. */
function entryLength(field: number, blockSize: number): number {
  if (blockSize < 65_536) return field
  return field === 0xffff || field === 0 ? blockSize : (field & 0xfffc) | ((field & 3) << 16)
}

const damaged = ({ number }: Inode) => broken('ext', `the directory in inode ${number} is damaged`)
