import { type FileHandle, open, writeFile } from 'node:fs/promises'
import { run } from '../../lib/exec.ts'
import { DIGEST_BYTES, formatIndex, type IndexedCluster, type IndexedImage } from './cluster-index.ts'
import { type PackedRange, packClusters } from './pack-clusters.ts'
import type { PackRange } from './pack-thread.ts'
import { COPIED, compressedEntry, lastSectorEnd, readHeader, setTables } from './qcow2-format.ts'

/** What {@link compressIntoQcow2} takes. */
export interface CompressRequest {
  readonly rawPath: string
  /** An image of the disk's size that `qemu-img create` has just made. */
  readonly image: string
  /** Processors to use. */
  readonly cores: number
  /** Lets equal clusters of images be compressed once. Default: all are compressed, and no index is left. */
  readonly reuse?: ClusterReuse | undefined
  readonly signal?: AbortSignal | undefined
}

/** How the clusters of an image come to the next one. */
export interface ClusterReuse {
  /** File that is written: an index of this image's clusters. */
  readonly index: string
  /** An image that the same libraries have compressed. What is damaged, or not there, is not used. */
  readonly earlier: IndexedImage | undefined
}

/** More threads only wait for the one that writes. */
const MOST_THREADS = 16

/** Bytes of the disk that a thread takes at a time; the largest cluster that qcow2 knows has as many. */
const RANGE_BYTES = 2 * 1024 ** 2

/** The smallest cluster that qcow2 knows holds every header. */
const SMALLEST_CLUSTER = 512

/**
 * Fills an empty qcow2 image with a raw disk, compressed on all processors. The same disk gives the same file: clusters follow
 * each other in the order of the disk, and the tables follow them. qemu-img does the one or the other, use all processors or
 * keep the order; and its bytes are another version's other bytes.
 *
 * @throws CofferError `QCOW2_NOT_UNDERSTOOD`; the reason of an aborted signal
 */
export async function compressIntoQcow2(request: CompressRequest): Promise<void> {
  const image = await open(request.image, 'r+')
  try {
    await fill(image, request)
  } finally {
    await image.close()
  }
}

async function fill(image: FileHandle, { rawPath, cores, reuse, signal }: CompressRequest): Promise<void> {
  const { clusterSize, clusterBits, l1Entries, compression } = readHeader(
    await bytesAt(image, SMALLEST_CLUSTER),
  )
  const first = await bytesAt(image, clusterSize)
  // What qemu-img put behind the header: the empty tables.
  await image.truncate(clusterSize)

  const out = appender(image, clusterSize)
  const entries = new Map<number, bigint>()
  const most = Math.floor(RANGE_BYTES / clusterSize)
  const ranges = [...rangesOf(await extentsOf(rawPath), clusterSize, most)]
  const threads = Math.min(cores, MOST_THREADS, ranges.length)
  const kind = { clusterSize, compression }
  const indexed: IndexedCluster[] = []
  const settings = { rawPath, kind, digests: reuse !== undefined, earlier: reuse?.earlier }
  for await (const range of packClusters({ ...settings, ranges, most, threads, signal })) {
    let at = 0
    for (const [index, length] of range.lengths.subarray(0, range.count).entries()) {
      if (length === 0) continue
      const plain = length === clusterSize
      const offset = await out.append(range.bytes.subarray(at, at + length), plain ? clusterSize : 1)
      const entry = plain ? COPIED | BigInt(offset) : compressedEntry(offset, length, clusterBits)
      entries.set(range.first + index, entry)
      at += length
      if (reuse !== undefined && !plain) indexed.push({ offset, length, ...digestsOf(range, index) })
    }
  }
  const l1 = Buffer.alloc(Math.ceil((l1Entries * 8) / clusterSize) * clusterSize)
  for (const [table, bytes] of secondTables(entries, clusterSize)) {
    l1.writeBigUInt64BE(COPIED | BigInt(await out.append(bytes, clusterSize)), table * 8)
  }
  const l1Offset = await out.append(l1, clusterSize)
  const { refcountOffset, refcountClusters } = await out.close()
  setTables(first, { l1Offset, refcountOffset, refcountClusters })
  await image.write(first, 0, clusterSize, 0)
  if (reuse !== undefined) await writeFile(reuse.index, formatIndex(kind, indexed), { mode: 0o600 })
}

/** The digests of a cluster of a range. They are copied: the memory is used for the next range. */
function digestsOf({ digests }: PackedRange, index: number) {
  const at = index * 2 * DIGEST_BYTES
  return {
    digest: digests.slice(at, at + DIGEST_BYTES),
    packedDigest: digests.slice(at + DIGEST_BYTES, at + 2 * DIGEST_BYTES),
  }
}

async function bytesAt(image: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  await image.read(bytes, 0, length, 0)
  return bytes
}

/** A part of the disk, in bytes. */
interface Extent {
  readonly start: number
  readonly length: number
}

/** The parts of a raw disk that are no holes, in order. */
async function extentsOf(rawPath: string): Promise<Extent[]> {
  const { stdout } = await run(['qemu-img', 'map', '--output=json', '-f', 'raw', '--', rawPath])
  return (JSON.parse(stdout) as (Extent & { zero: boolean })[]).filter(({ zero }) => !zero)
}

/** Ranges of clusters that cover extents, each cluster once, and no more than so many in each. */
export function* rangesOf(
  extents: readonly Extent[],
  clusterSize: number,
  most: number,
): Generator<PackRange> {
  let next = 0
  for (const { start, length } of extents) {
    const end = Math.ceil((start + length) / clusterSize)
    let first = Math.max(next, Math.floor(start / clusterSize))
    for (; first < end; first += most) yield { first, count: Math.min(most, end - first) }
    next = Math.max(next, end)
  }
}

/** The tables that entries belong into, by their places in the first table. */
function secondTables(entries: ReadonlyMap<number, bigint>, clusterSize: number): Map<number, Buffer> {
  const perTable = clusterSize / 8
  const tables = new Map<number, Buffer>()
  for (const [cluster, entry] of entries) {
    const index = Math.floor(cluster / perTable)
    const table = tables.get(index) ?? Buffer.alloc(clusterSize)
    tables.set(index, table)
    table.writeBigUInt64BE(entry, (cluster % perTable) * 8)
  }
  return tables
}

/** What is gathered before it is written. */
const BUFFER_BYTES = 8 * 1024 ** 2

/** Writes one thing behind the other, after the header's cluster, and counts how often each cluster of the file is used. */
function appender(image: FileHandle, clusterSize: number) {
  const buffer = Buffer.alloc(BUFFER_BYTES)
  const uses = [1]
  let [start, end] = [clusterSize, clusterSize]

  async function flush(): Promise<void> {
    await image.write(buffer, 0, end - start, start)
    buffer.fill(0)
    start = end
  }

  /** @returns where it is: at the next multiple of `unit` */
  async function append(bytes: Uint8Array, unit: number): Promise<number> {
    const offset = Math.ceil(end / unit) * unit
    if (offset + bytes.length - start > buffer.length) await flush()
    if (bytes.length > buffer.length) {
      await image.write(bytes, 0, bytes.length, offset)
      start = offset + bytes.length
    } else buffer.set(bytes, offset - start)
    end = offset + bytes.length
    // Up to the end of a sector: more precisely an entry does not tell where something compressed ends.
    const last = Math.floor((lastSectorEnd(offset, bytes.length) - 1) / clusterSize)
    for (let at = Math.floor(offset / clusterSize); at <= last; at++) uses[at] = (uses[at] ?? 0) + 1
    return offset
  }

  return {
    append,
    /** Writes the reference counts, their own included: their blocks, then the table of these. */
    async close() {
      const used = Math.ceil(end / clusterSize)
      const { blocks, tableClusters } = refcountSizes(used, clusterSize)
      const counts = Buffer.alloc(blocks * clusterSize)
      for (let at = 0; at < used + blocks + tableClusters; at++) {
        counts.writeUInt16BE(at < used ? (uses[at] ?? 0) : 1, at * 2)
      }
      const blocksOffset = await append(counts, clusterSize)
      const table = Buffer.alloc(tableClusters * clusterSize)
      for (let block = 0; block < blocks; block++)
        table.writeBigUInt64BE(BigInt(blocksOffset + block * clusterSize), block * 8)
      const refcountOffset = await append(table, clusterSize)
      await flush()
      return { refcountOffset, refcountClusters: tableClusters }
    },
  }
}

/** Clusters that the reference counts of a file take, their own included. */
function refcountSizes(others: number, clusterSize: number): { blocks: number; tableClusters: number } {
  let [blocks, tableClusters] = [0, 0]
  for (;;) {
    const need = Math.ceil((others + blocks + tableClusters) / (clusterSize / 2))
    const needTable = Math.ceil(need / (clusterSize / 8))
    if (need === blocks && needTable === tableClusters) return { blocks, tableClusters }
    blocks = need
    tableClusters = needTable
  }
}
