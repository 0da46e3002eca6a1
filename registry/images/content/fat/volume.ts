import type { Bytes } from '../bytes.ts'
import { broken } from '../errors.ts'

/** Clusters of a FAT file system. */
export interface FatVolume {
  readonly clusterSize: number
  /** The root directory of FAT12 and FAT16, which has a place of its own; else undefined. */
  readonly fixedRoot: Buffer | undefined
  /** First cluster of the root directory of FAT32; else 0. */
  readonly rootCluster: number
  /** The clusters of a chain, in order. @throws CofferError IMAGE_CONTENT_BROKEN when it leads out or round */
  readonly chain: (first: number) => Iterable<Buffer>
}

/** With so many clusters or more a file system is FAT16, FAT32 (Microsoft's FAT specification, 3.5). */
const FAT16_CLUSTERS = 4085
const FAT32_CLUSTERS = 65_525

/** Reads the boot sector. @throws CofferError IMAGE_CONTENT_BROKEN */
export function openFatVolume(bytes: Bytes): FatVolume {
  const boot = bytes.read(0, 512)
  const sector = boot.readUInt16LE(11)
  const perCluster = boot.readUInt8(13)
  const table = boot.readUInt16LE(14) * sector
  const fatSectors = boot.readUInt16LE(22) || boot.readUInt32LE(36)
  const root = table + boot.readUInt8(16) * fatSectors * sector
  const rootBytes = boot.readUInt16LE(17) * 32
  const sectors = boot.readUInt16LE(19) || boot.readUInt32LE(32)
  if (![512, 1024, 2048, 4096].includes(sector) || perCluster === 0) {
    throw broken('vfat', 'the numbers of its boot sector cannot be')
  }
  const data = root + Math.ceil(rootBytes / sector) * sector
  const clusterSize = perCluster * sector
  const clusters = Math.floor((sectors * sector - data) / clusterSize)
  const bits = clusters < FAT16_CLUSTERS ? 12 : clusters < FAT32_CLUSTERS ? 16 : 32

  function next(cluster: number): number {
    if (bits === 16) return bytes.read(table + cluster * 2, 2).readUInt16LE(0)
    if (bits === 32) return bytes.read(table + cluster * 4, 4).readUInt32LE(0) & 0x0fff_ffff
    const pair = bytes.read(table + Math.floor(cluster * 1.5), 2).readUInt16LE(0)
    return cluster % 2 === 0 ? pair & 0xfff : pair >> 4
  }

  return {
    clusterSize,
    fixedRoot: bits === 32 ? undefined : bytes.read(root, rootBytes),
    rootCluster: bits === 32 ? boot.readUInt32LE(44) : 0,
    *chain(first) {
      const end = 2 ** Math.min(bits, 28) - 8
      let cluster = first
      for (let count = 0; cluster < end; count++) {
        if (cluster < 2 || cluster >= clusters + 2 || count > clusters) {
          throw broken('vfat', `the chain of clusters from ${first} leads astray`)
        }
        yield bytes.read(data + (cluster - 2) * clusterSize, clusterSize)
        cluster = next(cluster)
      }
    },
  }
}
