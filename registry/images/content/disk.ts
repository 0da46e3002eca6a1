import { type Bytes, part } from './bytes.ts'
import { type FileSystem, recognise } from './file-system.ts'
import { type Partition, readGpt, readMbr } from './partitions.ts'

/** A place on a disk that a file system can be in: a partition, or the whole disk. */
export interface Slot {
  /** Undefined when the disk has no partitions. */
  readonly partition?: Partition
  readonly bytes: Bytes
  readonly fileSystem?: FileSystem
}

export interface DiskLayout {
  readonly table?: 'gpt' | 'mbr'
  readonly slots: readonly Slot[]
}

/**
 * Partitions and file systems of a disk. A file system on the whole disk is looked for before an MBR: the boot sector of
 * FAT has the same mark.
 */
export function readLayout(disk: Bytes): DiskLayout {
  const gpt = readGpt(disk)
  const whole = gpt === undefined ? recognise(disk) : undefined
  if (whole !== undefined) return { slots: [{ bytes: disk, fileSystem: whole }] }
  const table = gpt ?? readMbr(disk)
  if (table === undefined) return { slots: [] }
  return { table: table.kind, slots: table.partitions.map((partition) => slotOf(disk, partition)) }
}

function slotOf(disk: Bytes, partition: Partition): Slot {
  const bytes = part(disk, partition.offset, partition.size, `partition ${partition.number}`)
  // A partition that begins behind the disk's end is one of a disk that was cut off.
  const fileSystem = partition.offset + partition.size <= disk.size ? recognise(bytes) : undefined
  return { partition, bytes, ...(fileSystem === undefined ? {} : { fileSystem }) }
}
