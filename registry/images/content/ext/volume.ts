import { type Bytes, part } from '../bytes.ts'
import { broken } from '../errors.ts'
import type { Superblock } from './superblock.ts'

/** Blocks and inode records of an ext file system. */
export interface Volume {
  readonly superblock: Superblock
  /** @throws CofferError IMAGE_CONTENT_BROKEN for blocks that the file system does not have */
  readonly blocks: (first: number, count: number) => Buffer
  /** The record of an inode, as long as the file system's inodes are. @throws CofferError IMAGE_CONTENT_BROKEN */
  readonly inode: (number: number) => Buffer
}

/** @param superblock one that was checked */
export function openVolume(bytes: Bytes, superblock: Superblock): Volume {
  const { type, blockSize, blocks, firstBlock, inodes, inodesPerGroup, inodeSize, descriptorSize } =
    superblock
  const all = part(bytes, 0, blocks * blockSize, type)
  const descriptors = (firstBlock + 1) * blockSize

  /** First block of the inode table of a group. */
  function inodeTable(group: number): number {
    const descriptor = all.read(descriptors + group * descriptorSize, descriptorSize)
    const high = descriptorSize >= 64 ? descriptor.readUInt32LE(40) : 0
    return descriptor.readUInt32LE(8) + high * 2 ** 32
  }

  return {
    superblock,
    blocks(first, count) {
      // Block 0 never holds data: the superblock is in it or behind it.
      if (first <= 0 || first + count > blocks) throw broken(type, `it has no block ${first}`)
      return all.read(first * blockSize, count * blockSize)
    },
    inode(number) {
      if (number < 1 || number > inodes) throw broken(type, `it has no inode ${number}`)
      const group = Math.floor((number - 1) / inodesPerGroup)
      const at = ((number - 1) % inodesPerGroup) * inodeSize
      return all.read(inodeTable(group) * blockSize + at, inodeSize)
    },
  }
}
