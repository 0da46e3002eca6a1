import { type Bytes, checkRange } from '../bytes.ts'
import { brokenContent } from '../errors.ts'
import { recent } from '../recent.ts'
import { unpackCluster } from './compressed.ts'
import { type Geometry, qcow2Geometry } from './geometry.ts'

/** Memory for unpacked clusters and for L2 tables, in bytes each. */
const CACHE_BYTES = 32 * 1024 ** 2
const SECTOR = 512
const TWO_32 = 2 ** 32

/** Where a part of a cluster comes from. `length` says how far that holds from the place asked for. */
type Source =
  | { readonly kind: 'zeros'; readonly length: number }
  | { readonly kind: 'plain'; readonly offset: number; readonly length: number }
  | { readonly kind: 'packed'; readonly offset: number; readonly sectors: number; readonly length: number }

/**
 * The disk that a guest sees in a qcow2 file. Only the active state is read, no snapshot.
 *
 * @throws CofferError IMAGE_REFUSED for files that refer to others, IMAGE_CONTENT_BROKEN here and from `read`
 */
export function qcow2Disk(file: Bytes): Bytes {
  const geometry = qcow2Geometry(file)
  const { virtualSize, clusterSize, l1Offset, l1Entries } = geometry
  const l1 = file.read(l1Offset, l1Entries * 8)
  const tables = recent<number, Buffer>(Math.max(2, CACHE_BYTES / clusterSize))
  const clusters = recent<number, Buffer>(Math.max(2, CACHE_BYTES / clusterSize))

  function locate(offset: number): Source {
    const cluster = Math.floor(offset / clusterSize)
    const within = offset % clusterSize
    const { high, low } = word(l1, Math.floor(cluster / geometry.l2Entries) * 8)
    const tableOffset = hostOffset(high, low)
    if (tableOffset === 0) return { kind: 'zeros', length: clusterSize - within }
    if (tableOffset % clusterSize !== 0)
      throw brokenContent('qcow2', 'an L2 table is not at the start of a cluster')
    const table = tables.get(tableOffset, () => file.read(tableOffset, clusterSize))
    return sourceOf(table, cluster % geometry.l2Entries, within, geometry)
  }

  function readSource(source: Source, within: number): Buffer {
    if (source.kind === 'zeros') return Buffer.alloc(source.length)
    if (source.kind === 'plain') return readPlain(source.offset, source.length)
    const { offset, sectors } = source
    const cluster = clusters.get(offset, () => {
      // The last cluster's sector may be cut off by the file's end.
      const length = Math.min(sectors * SECTOR - (offset % SECTOR), file.size - offset)
      return unpackCluster(file.read(offset, length), geometry)
    })
    return cluster.subarray(within, within + source.length)
  }

  /** Allocated clusters behind the end of the file are zeros, as QEMU has it. */
  function readPlain(offset: number, length: number): Buffer {
    const there = Math.max(0, Math.min(length, file.size - offset))
    if (there === length) return file.read(offset, length)
    const buffer = Buffer.alloc(length)
    if (there > 0) file.read(offset, there).copy(buffer)
    return buffer
  }

  function readPiece(offset: number, length: number): Buffer {
    const source = locate(offset)
    return readSource({ ...source, length: Math.min(source.length, length) }, offset % clusterSize)
  }

  return {
    size: virtualSize,
    read(offset, length) {
      checkRange('the disk', virtualSize, offset, length)
      if (length === 0) return Buffer.alloc(0)
      const first = readPiece(offset, length)
      if (first.length === length) return first
      const buffer = Buffer.allocUnsafe(length)
      for (let done = first.copy(buffer); done < length; ) {
        done += readPiece(offset + done, length - done).copy(buffer, done)
      }
      return buffer
    },
  }
}

/** What an L2 entry says. */
function sourceOf(table: Buffer, index: number, within: number, geometry: Geometry): Source {
  const { clusterBits, clusterSize, extended, version } = geometry
  const rest = clusterSize - within
  const { high, low } = word(table, index * (extended ? 16 : 8))
  if ((high & 0x4000_0000) !== 0) {
    // Below `bits` the offset, above it the number of further sectors.
    const bits = 70 - clusterBits - 32
    const offset = (high & ((1 << bits) - 1)) * TWO_32 + low
    return { kind: 'packed', offset, sectors: ((high & 0x3fff_ffff) >>> bits) + 1, length: rest }
  }
  const offset = hostOffset(high, low)
  if (offset % clusterSize !== 0) throw brokenContent('qcow2', 'a cluster is not at a multiple of its size')
  if (extended) return subcluster(word(table, index * 16 + 8), offset, within, clusterSize)
  const zero = version >= 3 && (low & 1) === 1
  if (zero || offset === 0) return { kind: 'zeros', length: rest }
  return { kind: 'plain', offset: offset + within, length: rest }
}

/** One of the 32 parts of a cluster; the bitmap's low half says which are allocated, the high half which are zeros. */
function subcluster({ high, low }: Word, offset: number, within: number, clusterSize: number): Source {
  const size = clusterSize / 32
  const bit = Math.floor(within / size)
  const length = size - (within % size)
  const allocated = ((low >>> bit) & 1) === 1
  const zeros = ((high >>> bit) & 1) === 1
  if (allocated && zeros) throw brokenContent('qcow2', 'a subcluster is both data and zeros')
  return allocated ? { kind: 'plain', offset: offset + within, length } : { kind: 'zeros', length }
}

interface Word {
  readonly high: number
  readonly low: number
}

const word = (table: Buffer, at: number): Word => ({
  high: table.readUInt32BE(at),
  low: table.readUInt32BE(at + 4),
})

/** Bits 9 to 55 of an entry. */
const hostOffset = (high: number, low: number): number =>
  (high & 0x00ff_ffff) * TWO_32 + ((low & 0xffff_fe00) >>> 0)
