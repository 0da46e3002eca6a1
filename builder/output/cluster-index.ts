import { hash } from 'node:crypto'
import { openSync, readFileSync, readSync } from 'node:fs'

/*
 * What lies beside a compressed image so that the next one need not compress the same again: for each compressed cluster the
 * digest of what it holds, and where its compressed bytes are. A file of a head and records of one length, little-endian.
 */

/** An image and its index. */
export interface IndexedImage {
  readonly image: string
  readonly index: string
}

/** How the clusters of an image are made. What was made in another way is of no use. */
export interface ClusterKind {
  readonly clusterSize: number
  readonly compression: 'zlib' | 'zstd'
}

/** A compressed cluster. */
export interface IndexedCluster {
  /** SHA-256 of what it holds. */
  readonly digest: Uint8Array
  /** SHA-256 of its compressed bytes: a disk may have damaged them since. */
  readonly packedDigest: Uint8Array
  /** Where they are in the image. */
  readonly offset: number
  readonly length: number
}

export const DIGEST_BYTES = 32
const RECORD_BYTES = 2 * DIGEST_BYTES + 16

/** An index as the bytes of its file. */
export function formatIndex(kind: ClusterKind, clusters: readonly IndexedCluster[]): Buffer {
  const head = headOf(kind)
  const bytes = Buffer.alloc(head.length + clusters.length * RECORD_BYTES)
  head.copy(bytes)
  for (const [at, { digest, packedDigest, offset, length }] of clusters.entries()) {
    const record = bytes.subarray(head.length + at * RECORD_BYTES)
    record.set(digest)
    record.set(packedDigest, DIGEST_BYTES)
    record.writeBigUInt64LE(BigInt(offset), 2 * DIGEST_BYTES)
    record.writeUInt32LE(length, 2 * DIGEST_BYTES + 8)
  }
  return bytes
}

/** Reads an index. @returns records by the digests of their contents; none when it is cut off, or of another kind */
export function parseIndex(bytes: Buffer, kind: ClusterKind): ReadonlyMap<string, Buffer> {
  const records = new Map<string, Buffer>()
  const head = headOf(kind)
  const body = bytes.subarray(head.length)
  if (!bytes.subarray(0, head.length).equals(head) || body.length % RECORD_BYTES !== 0) return records
  for (let at = 0; at < body.length; at += RECORD_BYTES) {
    records.set(body.toString('latin1', at, at + DIGEST_BYTES), body.subarray(at, at + RECORD_BYTES))
  }
  return records
}

/**
 * Takes clusters from an image.
 *
 * @returns from the digest of a cluster to its compressed bytes; undefined when they are not there, or not whole
 */
export function indexedClusters(
  { image, index }: IndexedImage,
  kind: ClusterKind,
): (digest: Buffer) => Buffer | undefined {
  let records: ReadonlyMap<string, Buffer>
  let file: number
  try {
    records = parseIndex(readFileSync(index), kind)
    file = openSync(image, 'r')
  } catch {
    return () => undefined
  }
  return (digest) => {
    const record = records.get(digest.toString('latin1'))
    if (record === undefined) return undefined
    const packed = Buffer.allocUnsafe(Math.min(record.readUInt32LE(2 * DIGEST_BYTES + 8), kind.clusterSize))
    readSync(file, packed, 0, packed.length, Number(record.readBigUInt64LE(2 * DIGEST_BYTES)))
    const whole = record.subarray(DIGEST_BYTES, 2 * DIGEST_BYTES)
    return hash('sha256', packed, 'buffer').equals(whole) ? packed : undefined
  }
}

function headOf({ clusterSize, compression }: ClusterKind): Buffer {
  return Buffer.from(`coffer clusters 1 ${compression} ${clusterSize}\n`.padStart(48))
}
