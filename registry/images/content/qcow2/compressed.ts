import { inflateRawSync, zstdDecompressSync } from 'node:zlib'
import { CofferError } from '../../../../lib/errors.ts'
import { brokenContent } from '../errors.ts'
import type { Geometry } from './geometry.ts'

/**
 * Unpacks a compressed cluster.
 *
 * @param packed begins with the compressed data; what follows it, up to a sector's end, belongs to others
 * @throws CofferError IMAGE_CONTENT_BROKEN when it does not give exactly one cluster
 */
export function unpackCluster(packed: Buffer, { compression, clusterSize }: Geometry): Buffer {
  // In one piece: Node would put the cluster together from pieces of 16 KiB.
  const options = { maxOutputLength: clusterSize, chunkSize: Math.max(64, clusterSize) }
  let cluster: Buffer
  try {
    cluster =
      compression === 'zlib'
        ? inflateRawSync(packed, options)
        : zstdDecompressSync(packed.subarray(0, zstdFrameLength(packed)), options)
  } catch (error) {
    if (error instanceof CofferError || !(error instanceof Error) || !('code' in error)) throw error
    throw brokenContent('qcow2', `a compressed cluster does not unpack (${error.code})`)
  }
  if (cluster.length !== clusterSize) throw brokenContent('qcow2', 'a compressed cluster is incomplete')
  return cluster
}

const ZSTD_MAGIC = 0xfd2fb528
const BLOCK_RLE = 1
const BLOCK_RESERVED = 3

/**
 * Length of the zstd frame that bytes begin with (RFC 8878, 3.1.1): zstd refuses data with anything behind the frame.
 *
 * @throws RangeError with a code, as Node's own, when the frame does not end
 */
function zstdFrameLength(bytes: Buffer): number {
  if (bytes.readUInt32LE(0) !== ZSTD_MAGIC) throw brokenContent('qcow2', 'a compressed cluster is not zstd')
  const descriptor = bytes.readUInt8(4)
  const single = (descriptor >> 5) & 1
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0
  const sizeBytes = [single, 2, 4, 8][descriptor >> 6] ?? 0
  let at = 5 + (1 - single) + dictionaryBytes + sizeBytes
  for (let last = false; !last; ) {
    const header = bytes.readUIntLE(at, 3)
    const type = (header >> 1) & 3
    if (type === BLOCK_RESERVED) throw brokenContent('qcow2', 'a compressed cluster has an unknown block')
    last = (header & 1) === 1
    at += 3 + (type === BLOCK_RLE ? 1 : header >> 3)
  }
  return at + ((descriptor >> 2) & 1) * 4
}
