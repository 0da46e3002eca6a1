import { crc32 } from 'node:zlib'
import { type Bytes, probe } from './bytes.ts'
import { formatGuid } from './guid.ts'

/** A partition of a disk. Offsets and sizes are bytes. */
export interface Partition {
  /** As Linux numbers it, from 1. */
  readonly number: number
  readonly offset: number
  readonly size: number
  /** A GUID in a GPT, two hexadecimal digits in an MBR. */
  readonly type: string
  /** GPT only. */
  readonly name?: string
  readonly uuid?: string
}

export interface PartitionTable {
  readonly kind: 'gpt' | 'mbr'
  readonly partitions: readonly Partition[]
}

const SECTOR = 512
/** More entries than any tool makes. */
const MAX_GPT_ENTRIES = 1024
const MAX_LOGICAL = 128

/** The GUID partition table (UEFI specification, chapter 5): the first, or the copy at the disk's end if only that is whole. */
export function readGpt(disk: Bytes): PartitionTable | undefined {
  return gptAt(disk, SECTOR) ?? gptAt(disk, Math.floor(disk.size / SECTOR - 1) * SECTOR)
}

function gptAt(disk: Bytes, offset: number): PartitionTable | undefined {
  const header = offset > 0 ? probe(disk, offset, SECTOR) : undefined
  if (header === undefined || header.toString('latin1', 0, 8) !== 'EFI PART') return undefined
  const headerSize = header.readUInt32LE(12)
  if (headerSize < 92 || headerSize > SECTOR) return undefined
  const summed = Buffer.from(header.subarray(0, headerSize))
  summed.writeUInt32LE(0, 16)
  const start = Number(header.readBigUInt64LE(72)) * SECTOR
  const count = header.readUInt32LE(80)
  const size = header.readUInt32LE(84)
  if (crc32(summed) !== header.readUInt32LE(16) || count > MAX_GPT_ENTRIES || size < 128 || size > 4096)
    return undefined
  const entries = probe(disk, start, count * size)
  if (entries === undefined || crc32(entries) !== header.readUInt32LE(88)) return undefined
  const partitions: Partition[] = []
  for (let index = 0; index < count; index++) {
    const entry = entries.subarray(index * size, (index + 1) * size)
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue
    const first = Number(entry.readBigUInt64LE(32))
    const last = Number(entry.readBigUInt64LE(40))
    if (last < first || last * SECTOR > Number.MAX_SAFE_INTEGER) continue
    const name = entry.toString('utf16le', 56, 128).replace(/\0.*$/s, '')
    partitions.push({
      number: index + 1,
      offset: first * SECTOR,
      size: (last - first + 1) * SECTOR,
      type: formatGuid(entry.subarray(0, 16)),
      uuid: formatGuid(entry.subarray(16, 32)),
      ...(name === '' ? {} : { name }),
    })
  }
  return { kind: 'gpt', partitions }
}

/** The partition table of a master boot record, with the logical partitions of an extended one. */
export function readMbr(disk: Bytes): PartitionTable | undefined {
  const sector = bootSector(disk, 0)
  if (sector === undefined) return undefined
  const primary = [0, 1, 2, 3].map((index) => mbrEntry(sector, index, 0, index + 1))
  const partitions = primary.filter((entry) => entry !== undefined)
  if (partitions.length === 0) return undefined
  const extended = partitions.find(isExtended)
  return {
    kind: 'mbr',
    partitions: extended === undefined ? partitions : [...partitions, ...logical(disk, extended)],
  }
}

/** Each logical partition has a boot sector of its own, which names the next one's place. */
function logical(disk: Bytes, extended: Partition): Partition[] {
  const found: Partition[] = []
  let at = extended.offset
  while (found.length < MAX_LOGICAL) {
    const sector = bootSector(disk, at)
    if (sector === undefined) break
    const partition = mbrEntry(sector, 0, at, 5 + found.length)
    if (partition !== undefined) found.push(partition)
    const next = mbrEntry(sector, 1, extended.offset, 0)
    // A chain that does not go up would have no end.
    if (next === undefined || next.offset <= at) break
    at = next.offset
  }
  return found
}

function bootSector(disk: Bytes, offset: number): Buffer | undefined {
  const sector = probe(disk, offset, SECTOR)
  return sector !== undefined && sector.readUInt16LE(510) === 0xaa55 ? sector : undefined
}

function mbrEntry(sector: Buffer, index: number, base: number, number: number): Partition | undefined {
  const entry = sector.subarray(446 + index * 16, 462 + index * 16)
  const type = entry.readUInt8(4)
  const size = entry.readUInt32LE(12) * SECTOR
  if (type === 0 || size === 0) return undefined
  return {
    number,
    offset: base + entry.readUInt32LE(8) * SECTOR,
    size,
    type: type.toString(16).padStart(2, '0'),
  }
}

/** CHS, LBA and Linux's own kind. */
const isExtended = ({ type }: Partition): boolean => ['05', '0f', '85'].includes(type)
