import { readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { inflateRawSync } from 'node:zlib'
import {
  type ClusterEntry,
  COPIED,
  compressedEntry,
  l2OffsetOf,
  type Qcow2Header,
  readCluster,
  readHeader,
  SECTOR,
  setTables,
} from './qcow2-format.ts'
import { zstdFrameLength } from './zstd-frame.ts'

/** A cluster of the disk with a place of its own in the file. */
interface Content {
  /** Number of the cluster on the disk. */
  readonly cluster: number
  readonly kind: 'plain' | 'compressed'
  /** Where its bytes are now. */
  readonly offset: number
  readonly length: number
  /** Where they go. */
  readonly target: number
}

/**
 * Writes a qcow2 image anew with its clusters in the order of the disk. qemu-img compresses on several processors only when
 * it may write clusters as they become ready, and then no two files are alike. Compressed clusters are not touched;
 * each begins at a sector of its own.
 *
 * @param from an image that `qemu-img convert` has just made
 * @param to is made
 * @throws CofferError `QCOW2_NOT_UNDERSTOOD`
 */
export async function orderQcow2(from: string, to: string): Promise<void> {
  const source = await open(from)
  try {
    const target = await open(to, 'wx')
    try {
      await order(source, target)
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

async function order(source: FileHandle, target: FileHandle): Promise<void> {
  const head = await read(source, 0, SMALLEST_CLUSTER)
  const header = readHeader(head)
  const { clusterSize } = header
  const clusters = await clustersOf(source, header)
  const lengths = await contentLengths(source, clusters, header)
  const layout = planLayout(header, clusters, lengths)

  const first = await read(source, 0, clusterSize)
  setTables(first, layout)
  await target.write(first, 0, clusterSize, 0)
  await target.write(layout.refcounts, 0, layout.refcounts.length, layout.refcountOffset)
  await target.write(layout.l1, 0, layout.l1.length, layout.l1Offset)
  for (const { offset, bytes } of layout.l2) await target.write(bytes, 0, bytes.length, offset)
  await target.truncate(layout.end)
  await copyContents(source, target, layout.contents)
}

/** Copies contents through a large buffer: they follow each other closely where they go. */
async function copyContents(
  source: FileHandle,
  target: FileHandle,
  contents: readonly Content[],
): Promise<void> {
  const buffer = Buffer.alloc(BUFFER_BYTES)
  let [start, filled] = [contents[0]?.target ?? 0, 0]
  for (const { offset, length, target: place } of contents) {
    if (place + length - start > buffer.length) {
      await target.write(buffer, 0, filled, start)
      buffer.fill(0)
      start = place
    }
    // Not awaited read by read: a system call takes less time than a turn of the event loop.
    readSync(source.fd, buffer, place - start, length, offset)
    filled = place + length - start
  }
  await target.write(buffer, 0, filled, start)
}

/** More than the largest cluster that qcow2 knows, 2 MiB. */
const BUFFER_BYTES = 8 * 1024 ** 2

/** The smallest cluster that qcow2 knows holds every header. */
const SMALLEST_CLUSTER = 512

/** What every cluster of the disk is, by its number. */
async function clustersOf(source: FileHandle, header: Qcow2Header): Promise<Map<number, ClusterEntry>> {
  const perTable = header.clusterSize / 8
  const l1 = await read(source, header.l1Offset, header.l1Entries * 8)
  const clusters = new Map<number, ClusterEntry>()
  for (let index = 0; index < header.l1Entries; index++) {
    const offset = l2OffsetOf(l1.readBigUInt64BE(index * 8))
    if (offset === 0) continue
    const l2 = await read(source, offset, header.clusterSize)
    for (let at = 0; at < perTable; at++) {
      const entry = readCluster(l2.readBigUInt64BE(at * 8), header.clusterBits)
      if (entry.kind !== 'none') clusters.set(index * perTable + at, entry)
    }
  }
  return clusters
}

/** Where everything goes: header, reference counts, the two tables, then the clusters. Pure. */
function planLayout(
  header: Qcow2Header,
  clusters: ReadonlyMap<number, ClusterEntry>,
  lengths: ReadonlyMap<number, number>,
) {
  const { clusterSize, clusterBits, l1Entries } = header
  const perTable = clusterSize / 8
  const tables = [...new Set([...clusters.keys()].map((cluster) => Math.floor(cluster / perTable)))].sort(
    (a, b) => a - b,
  )
  const clustersFor = (bytes: number) => Math.ceil(bytes / clusterSize)
  const l1Clusters = clustersFor(l1Entries * 8)
  const bodySize = placeContents(clusters, lengths, clusterSize, 0).end
  const fixed = 1 + l1Clusters + tables.length + clustersFor(bodySize)
  const { blocks, blockTable } = refcountSizes(fixed, clusterSize)

  const refcountOffset = clusterSize
  const blocksOffset = refcountOffset + blockTable * clusterSize
  const l1Offset = blocksOffset + blocks * clusterSize
  const l2Offset = l1Offset + l1Clusters * clusterSize
  const bodyOffset = l2Offset + tables.length * clusterSize
  const { contents, end } = placeContents(clusters, lengths, clusterSize, bodyOffset)

  const l1 = Buffer.alloc(l1Clusters * clusterSize)
  const l2 = tables.map((table, index) => {
    const offset = l2Offset + index * clusterSize
    l1.writeBigUInt64BE(COPIED | BigInt(offset), table * 8)
    return { table, offset, bytes: Buffer.alloc(clusterSize) }
  })
  const l2Of = new Map(l2.map(({ table, bytes }) => [table, bytes]))
  const enter = (cluster: number, entry: bigint) =>
    l2Of.get(Math.floor(cluster / perTable))?.writeBigUInt64BE(entry, (cluster % perTable) * 8)
  for (const [cluster, { kind }] of clusters) if (kind === 'zero') enter(cluster, 1n)
  const uses = new Uint16Array(Math.ceil(end / clusterSize))
  uses.fill(1, 0, bodyOffset / clusterSize)
  for (const { cluster, kind, target, length } of contents) {
    const sectors = Math.ceil(length / SECTOR)
    enter(cluster, kind === 'plain' ? COPIED | BigInt(target) : compressedEntry(target, sectors, clusterBits))
    const last = Math.floor((target + sectors * SECTOR - 1) / clusterSize)
    for (let at = Math.floor(target / clusterSize); at <= last; at++) uses[at] = (uses[at] ?? 0) + 1
  }
  const refcounts = Buffer.alloc((blockTable + blocks) * clusterSize)
  for (let block = 0; block < blocks; block++) {
    refcounts.writeBigUInt64BE(BigInt(blocksOffset + block * clusterSize), block * 8)
  }
  uses.forEach((count, cluster) => {
    refcounts.writeUInt16BE(count, blockTable * clusterSize + cluster * 2)
  })
  // A file ends with a whole cluster, as qemu-img's own do.
  const whole = clustersFor(end) * clusterSize
  return { refcountOffset, refcountClusters: blockTable, l1Offset, refcounts, l1, l2, contents, end: whole }
}

/**
 * How many bytes each cluster's content has. Entries tell only the last sector of a compressed one. Where another begins
 * in that sector, it ends there; elsewhere, unpacking tells.
 */
async function contentLengths(
  source: FileHandle,
  clusters: ReadonlyMap<number, ClusterEntry>,
  { clusterSize, compression }: Qcow2Header,
): Promise<ReadonlyMap<number, number>> {
  const lengths = new Map<number, number>()
  for (const [cluster, { kind }] of clusters) if (kind === 'plain') lengths.set(cluster, clusterSize)
  const compressed = [...clusters]
    .flatMap(([cluster, entry]) => (entry.kind === 'compressed' ? [{ cluster, ...entry }] : []))
    .sort((a, b) => a.offset - b.offset)
  for (const [index, { cluster, offset, end }] of compressed.entries()) {
    const next = compressed[index + 1]?.offset ?? Number.POSITIVE_INFINITY
    const length =
      next < end ? next - offset : packedLength[compression](await read(source, offset, end - offset))
    lengths.set(cluster, length)
  }
  return lengths
}

/** Bytes of a compressed cluster with others behind it. */
const packedLength = {
  /** A deflate stream (RFC 1951). */
  zlib(bytes: Buffer): number {
    const { engine } = inflateRawSync(bytes, { info: true }) as unknown as {
      engine: { bytesWritten: number }
    }
    return engine.bytesWritten
  },
  zstd: (bytes: Buffer): number => zstdFrameLength(bytes) ?? bytes.length,
}

/** Places contents one behind the other in the order of the disk: plain ones at clusters, compressed ones at sectors. */
function placeContents(
  clusters: ReadonlyMap<number, ClusterEntry>,
  lengths: ReadonlyMap<number, number>,
  clusterSize: number,
  start: number,
): { readonly contents: readonly Content[]; readonly end: number } {
  const contents: Content[] = []
  let free = start
  for (const cluster of [...clusters.keys()].sort((a, b) => a - b)) {
    const entry = clusters.get(cluster)
    if (entry === undefined || (entry.kind !== 'plain' && entry.kind !== 'compressed')) continue
    const length = lengths.get(cluster) ?? 0
    const unit = entry.kind === 'plain' ? clusterSize : SECTOR
    const target = Math.ceil(free / unit) * unit
    contents.push({ cluster, kind: entry.kind, offset: entry.offset, length, target })
    free = target + length
  }
  return { contents, end: free }
}

/** Clusters that the reference counts of a file take, their own included. */
function refcountSizes(others: number, clusterSize: number): { blocks: number; blockTable: number } {
  let [blocks, blockTable] = [0, 0]
  for (;;) {
    const total = others + blocks + blockTable
    const need = Math.ceil(total / (clusterSize / 2))
    const needTable = Math.ceil(need / (clusterSize / 8))
    if (need === blocks && needTable === blockTable) return { blocks, blockTable }
    blocks = need
    blockTable = needTable
  }
}

async function read(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  await file.read(bytes, 0, length, offset)
  return bytes
}
