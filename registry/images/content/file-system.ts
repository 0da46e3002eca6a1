import { type Bytes, probe } from './bytes.ts'
import { readSuperblock, untilNul } from './ext/superblock.ts'
import { formatUuid } from './guid.ts'

/** What stands in a partition, or on a disk without partitions. Named as blkid does. Sizes are bytes. */
export interface FileSystem {
  readonly type: string
  readonly label?: string
  readonly uuid?: string
  readonly size?: number
  readonly used?: number
  /** Something that a reader of its files should know. */
  readonly note?: string
}

/** @returns undefined when it is something else */
type Recogniser = (bytes: Bytes) => FileSystem | undefined

/** Tells a file system by its magic number, or undefined. Only the head is read: the rest may be damaged. */
export function recognise(bytes: Bytes): FileSystem | undefined {
  for (const recogniser of RECOGNISERS) {
    const found = recogniser(bytes)
    if (found !== undefined) return found
  }
  return undefined
}

const ext: Recogniser = (bytes) => {
  const superblock = readSuperblock(bytes)
  if (superblock === undefined) return undefined
  const { type, label, uuid, blocks, freeBlocks, blockSize, needsRecovery } = superblock
  return {
    type,
    ...(label === '' ? {} : { label }),
    uuid: formatUuid(uuid),
    size: blocks * blockSize,
    used: Math.max(0, blocks - freeBlocks) * blockSize,
    ...(needsRecovery ? { note: 'the journal is not empty: the newest changes are not seen' } : {}),
  }
}

/** FAT12, FAT16 and FAT32, told by the text of their boot sectors. */
const fat: Recogniser = (bytes) => {
  const sector = probe(bytes, 0, 512)
  if (sector === undefined || sector.readUInt16LE(510) !== 0xaa55) return undefined
  const large = sector.toString('latin1', 82, 87) === 'FAT32'
  if (!large && !/^FAT1[26]/.test(sector.toString('latin1', 54, 59))) return undefined
  const id = large ? 67 : 39
  const serial = sector.readUInt32LE(id).toString(16).toUpperCase().padStart(8, '0')
  const label = sector.toString('latin1', id + 4, id + 15).trimEnd()
  const sectors = sector.readUInt16LE(19) || sector.readUInt32LE(32)
  return {
    type: 'vfat',
    ...(label === '' || label === 'NO NAME' ? {} : { label }),
    uuid: `${serial.slice(0, 4)}-${serial.slice(4)}`,
    size: sectors * sector.readUInt16LE(11),
  }
}

const xfs: Recogniser = (bytes) => {
  const block = probe(bytes, 0, 512)
  if (block === undefined || block.toString('latin1', 0, 4) !== 'XFSB') return undefined
  const blockSize = block.readUInt32BE(4)
  const blocks = Number(block.readBigUInt64BE(8))
  const free = Number(block.readBigUInt64BE(144))
  const label = untilNul(block.subarray(108, 120))
  return {
    type: 'xfs',
    ...(label === '' ? {} : { label }),
    uuid: formatUuid(block.subarray(32, 48)),
    size: blocks * blockSize,
    used: Math.max(0, blocks - free) * blockSize,
  }
}

const swap: Recogniser = (bytes) => {
  const page = probe(bytes, 0, 4096)
  if (page === undefined || page.toString('latin1', 4086, 4096) !== 'SWAPSPACE2') return undefined
  const label = untilNul(page.subarray(1052, 1068))
  return {
    type: 'swap',
    ...(label === '' ? {} : { label }),
    uuid: formatUuid(page.subarray(1036, 1052)),
    size: (page.readUInt32LE(1028) + 1) * 4096,
  }
}

/** One of which only the name is told. */
const named =
  (type: string, offset: number, magic: string): Recogniser =>
  (bytes) =>
    probe(bytes, offset, magic.length)?.toString('latin1') === magic ? { type } : undefined

const RECOGNISERS: readonly Recogniser[] = [
  ext,
  xfs,
  swap,
  named('LVM2_member', 536, 'LVM2 001'),
  named('btrfs', 65_600, '_BHRfS_M'),
  named('crypto_LUKS', 0, 'LUKS\xba\xbe'),
  named('squashfs', 0, 'hsqs'),
  named('ntfs', 3, 'NTFS    '),
  named('iso9660', 32_769, 'CD001'),
  named('linux_raid_member', 4096, '\xfc\x4e\x2b\xa9'),
  fat,
]
