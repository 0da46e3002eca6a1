import { type FileHandle, open } from 'node:fs/promises'
import {
  type ExtGeometry,
  readDescriptor,
  readGeometry,
  SUPERBLOCK_BYTES,
  SUPERBLOCK_OFFSET,
  setInodeChecksum,
  setInodeTimes,
  setSuperblockTime,
} from './ext-format.ts'

const ROOT_INODE = 2

/**
 * Makes every time in a new ext2, ext3 or ext4 file system a function of its content: inodes get the time of their last
 * change for all their times, nothing is later than `latest`, and the superblock and what mke2fs itself made say
 * `latest`. mke2fs copies the moment at which a file's inode changed on the build machine, and writes the clock's time
 * into the rest. Checksums are made anew.
 *
 * @param offset of the file system in the file, in bytes
 * @param latest seconds since 1970
 * @throws CofferError `BLOCK_DEVICE_FILE_SYSTEM_BROKEN` when there is no such file system
 */
export async function settleExtTimes(path: string, offset: number, latest: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const superblock = await readAt(file, offset + SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES)
    const geometry = readGeometry(superblock)
    for (let group = 0; group < geometry.groups; group++) {
      await settleGroup(file, offset, geometry, group, latest)
    }
    const backups = geometry.backups.map(
      (group) => (geometry.firstDataBlock + group * geometry.blocksPerGroup) * geometry.blockSize,
    )
    for (const place of [SUPERBLOCK_OFFSET, ...backups]) {
      const copy = await readAt(file, offset + place, SUPERBLOCK_BYTES)
      readGeometry(copy)
      setSuperblockTime(copy, latest)
      await file.write(copy, 0, copy.length, offset + place)
    }
  } finally {
    await file.close()
  }
}

/** The inodes in use of one block group. */
async function settleGroup(
  file: FileHandle,
  base: number,
  geometry: ExtGeometry,
  group: number,
  latest: number,
): Promise<void> {
  const { blockSize, inodesPerGroup, inodeSize, descriptorSize, checksumSeed } = geometry
  const place = geometry.descriptorOf(group)
  const descriptor = readDescriptor(
    await readAt(file, base + place.block * blockSize + place.offset, descriptorSize),
  )
  if (descriptor.unused) return
  const bitmap = await readAt(file, base + descriptor.bitmap * blockSize, Math.ceil(inodesPerGroup / 8))
  const used = (index: number) => ((bitmap[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
  let last = inodesPerGroup - 1
  while (last >= 0 && !used(last)) last--
  if (last < 0) return
  const start = base + descriptor.table * blockSize
  const table = await readAt(file, start, (last + 1) * inodeSize)
  for (let index = 0; index <= last; index++) {
    const inode = table.subarray(index * inodeSize, (index + 1) * inodeSize)
    // Reserved inodes are marked as used even where nothing is in them.
    if (!used(index) || inode.every((byte) => byte === 0)) continue
    const number = group * inodesPerGroup + index + 1
    setInodeTimes(inode, latest, number !== ROOT_INODE && number <= geometry.firstInode)
    if (checksumSeed !== undefined) setInodeChecksum(inode, number, checksumSeed)
  }
  await file.write(table, 0, table.length, start)
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  await file.read(bytes, 0, length, position)
  return bytes
}
