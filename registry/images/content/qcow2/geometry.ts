import { checkQcow2Header, QCOW2_HEAD_BYTES } from '../../qcow2-header.ts'
import type { Bytes } from '../bytes.ts'
import { broken } from '../errors.ts'

/** Where things are in a qcow2 file (QEMU's docs/interop/qcow2.txt). Sizes and offsets are bytes. */
export interface Geometry {
  readonly virtualSize: number
  readonly version: number
  readonly clusterBits: number
  readonly clusterSize: number
  /** L2 entries have 16 bytes, the second half a bitmap of 32 subclusters. */
  readonly extended: boolean
  readonly compression: 'zlib' | 'zstd'
  readonly l1Offset: number
  /** Entries of the L1 table that the disk needs. */
  readonly l1Entries: number
  /** Entries of an L2 table, which fills one cluster. */
  readonly l2Entries: number
}

const COMPRESSION_TYPE = 1 << 3
const EXTENDED_L2 = 1 << 4
/** What QEMU itself takes at most for an L1 table. */
const MAX_L1_BYTES = 32 * 1024 ** 2

/**
 * Reads and checks the header.
 *
 * @throws CofferError IMAGE_REFUSED for files that refer to others, IMAGE_CONTENT_BROKEN
 */
export function qcow2Geometry(file: Bytes): Geometry {
  const head = file.read(0, Math.min(file.size, QCOW2_HEAD_BYTES))
  const virtualSize = checkQcow2Header(head)
  const version = head.readUInt32BE(4)
  const clusterBits = head.readUInt32BE(20)
  if (clusterBits < 9 || clusterBits > 21) throw broken('qcow2', `a cluster has 2^${clusterBits} bytes`)
  const clusterSize = 2 ** clusterBits
  const features = version === 3 ? head.readUInt32BE(76) : 0
  const extended = (features & EXTENDED_L2) !== 0
  if (extended && clusterBits < 14) throw broken('qcow2', 'its clusters are too small for subclusters')
  const l2Entries = clusterSize / (extended ? 16 : 8)
  const l1Entries = Math.ceil(virtualSize / (clusterSize * l2Entries))
  if (l1Entries * 8 > MAX_L1_BYTES || head.readUInt32BE(36) < l1Entries) {
    throw broken('qcow2', 'its L1 table does not fit its size')
  }
  return {
    virtualSize,
    version,
    clusterBits,
    clusterSize,
    extended,
    compression: compressionOf(head, features),
    l1Offset: Number(head.readBigUInt64BE(40)),
    l1Entries,
    l2Entries,
  }
}

function compressionOf(head: Buffer, features: number): Geometry['compression'] {
  if ((features & COMPRESSION_TYPE) === 0) return 'zlib'
  const type = head[104]
  if (type === 0) return 'zlib'
  if (type === 1) return 'zstd'
  throw broken('qcow2', `its compression type is ${type}`)
}
