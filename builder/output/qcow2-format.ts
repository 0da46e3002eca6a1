import { CofferError } from '../../lib/errors.ts'

/*
 * The parts of the qcow2 format that say where the clusters of a disk are (QEMU, docs/interop/qcow2.txt). Everything is
 * big-endian.
 */

const MAGIC = 0x514649fb
/** Bit 63: the cluster is used once. */
export const COPIED = 1n << 63n
const COMPRESSED = 1n << 62n
const SECTOR = 512

/** What the header says. */
export interface Qcow2Header {
  readonly clusterBits: number
  readonly clusterSize: number
  readonly l1Entries: number
  /** How compressed clusters are. */
  readonly compression: 'zlib' | 'zstd'
}

/**
 * Reads the header of an image that stands alone: no backing file, snapshots, encryption, or features that change what
 * tables hold. What qemu-img makes without special options is one.
 *
 * @throws CofferError `QCOW2_NOT_UNDERSTOOD`
 */
export function readHeader(bytes: Buffer): Qcow2Header {
  const version = bytes.readUInt32BE(4)
  const refuse = (what: string) => new CofferError('QCOW2_NOT_UNDERSTOOD', `The qcow2 image has ${what}`)
  if (bytes.readUInt32BE(0) !== MAGIC || version < 2 || version > 3) throw refuse('an unknown version')
  if (bytes.readBigUInt64BE(8) !== 0n) throw refuse('a backing file')
  if (bytes.readUInt32BE(32) !== 0) throw refuse('encryption')
  if (bytes.readUInt32BE(60) !== 0) throw refuse('snapshots')
  // Bit 3 says that a compression type follows, which concerns the clusters only.
  const features = version === 3 ? bytes.readBigUInt64BE(72) : 0n
  if ((features & ~COMPRESSION_TYPE) !== 0n) throw refuse('unknown features')
  const compression = features === 0n ? 'zlib' : compressionTypes[bytes.readUInt8(104)]
  if (compression === undefined) throw refuse('an unknown compression type')
  if (version === 3 && bytes.readUInt32BE(96) !== REFCOUNT_ORDER) throw refuse('unusual reference counts')
  const clusterBits = bytes.readUInt32BE(20)
  return {
    clusterBits,
    clusterSize: 2 ** clusterBits,
    l1Entries: bytes.readUInt32BE(36),
    compression,
  }
}

const COMPRESSION_TYPE = 1n << 3n
const compressionTypes = ['zlib', 'zstd'] as const

/** Reference counts of 16 bits. */
const REFCOUNT_ORDER = 4

/** Puts the places of the tables into a header. */
export function setTables(
  bytes: Buffer,
  tables: { readonly l1Offset: number; readonly refcountOffset: number; readonly refcountClusters: number },
): void {
  bytes.writeBigUInt64BE(BigInt(tables.l1Offset), 40)
  bytes.writeBigUInt64BE(BigInt(tables.refcountOffset), 48)
  bytes.writeUInt32BE(tables.refcountClusters, 56)
}

/** Behind the last sector that a piece of a file touches, in bytes. */
export function lastSectorEnd(offset: number, length: number): number {
  return Math.ceil((offset + length) / SECTOR) * SECTOR
}

/**
 * The entry of a compressed cluster, wherever in the file it begins. It tells how many sectors the cluster touches, not where
 * it ends in the last one.
 */
export function compressedEntry(offset: number, length: number, clusterBits: number): bigint {
  const shift = BigInt(62 - (clusterBits - 8))
  const more = lastSectorEnd(offset, length) / SECTOR - Math.floor(offset / SECTOR) - 1
  return COMPRESSED | (BigInt(more) << shift) | BigInt(offset)
}
