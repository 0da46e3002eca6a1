import { CofferError } from '../../lib/errors.ts'

/*
 * The parts of the qcow2 format that tell where the clusters of a disk are (QEMU, docs/interop/qcow2.txt). Everything is
 * big-endian.
 */

const MAGIC = 0x514649fb
/** Bits 9 to 55 of a table's entry: an offset in the file. */
const OFFSET_MASK = 0x00fffffffffffe00n
/** Bit 63: the cluster is used once. */
export const COPIED = 1n << 63n
const COMPRESSED = 1n << 62n
export const SECTOR = 512

/** What the header says. */
export interface Qcow2Header {
  readonly clusterBits: number
  readonly clusterSize: number
  readonly l1Entries: number
  readonly l1Offset: number
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
    l1Offset: Number(bytes.readBigUInt64BE(40)),
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

/** The offset that an entry of the first table holds; 0 for none. */
export function l2OffsetOf(entry: bigint): number {
  return Number(entry & OFFSET_MASK)
}

/** What an entry of a second table says of one cluster of the disk. */
export type ClusterEntry =
  | { readonly kind: 'none' }
  /** All zeros, with nothing in the file. */
  | { readonly kind: 'zero' }
  | { readonly kind: 'plain'; readonly offset: number }
  /** `end`: of the last sector that it touches, at which other clusters may begin earlier. */
  | { readonly kind: 'compressed'; readonly offset: number; readonly end: number }

/** Reads an entry of a second table. */
export function readCluster(entry: bigint, clusterBits: number): ClusterEntry {
  if ((entry & COMPRESSED) !== 0n) {
    const shift = BigInt(62 - (clusterBits - 8))
    const offset = Number(entry & ((1n << shift) - 1n))
    const sectors = Number((entry & (COMPRESSED - 1n)) >> shift)
    return { kind: 'compressed', offset, end: (Math.floor(offset / SECTOR) + 1 + sectors) * SECTOR }
  }
  const offset = Number(entry & OFFSET_MASK)
  if ((entry & 1n) !== 0n) return { kind: 'zero' }
  return offset === 0 ? { kind: 'none' } : { kind: 'plain', offset }
}

/** The entry of a compressed cluster that begins at a sector and takes a number of them. */
export function compressedEntry(offset: number, sectors: number, clusterBits: number): bigint {
  const shift = BigInt(62 - (clusterBits - 8))
  return COMPRESSED | (BigInt(sectors - 1) << shift) | BigInt(offset)
}
