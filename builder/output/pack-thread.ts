import { hash } from 'node:crypto'
import { openSync, readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { deflateRawSync, zstdCompressSync } from 'node:zlib'
import { type ClusterKind, DIGEST_BYTES, type IndexedImage, indexedClusters } from './cluster-index.ts'

/** What a thread needs to know once. */
export interface PackSettings {
  readonly rawPath: string
  readonly kind: ClusterKind
  /** Whether digests are wanted. */
  readonly digests: boolean
  /** Where equal clusters are taken from, when digests are wanted. */
  readonly earlier: IndexedImage | undefined
}

/** Clusters that follow each other on the disk. */
export interface PackRange {
  readonly first: number
  readonly count: number
}

/** Where a thread puts what it has compressed: memory that is used again and again, so that none is asked for. */
export interface PackSlot {
  /** Bytes of each cluster: 0 for one of zeros, a whole cluster's for one that does not get smaller and is left as it is. */
  readonly lengths: Uint32Array<SharedArrayBuffer>
  /** One behind the other. */
  readonly bytes: Uint8Array<SharedArrayBuffer>
  /** Of each compressed cluster the SHA-256 of what it holds, and that of its bytes. Empty when none are wanted. */
  readonly digests: Uint8Array<SharedArrayBuffer>
}

export interface PackThreadData extends PackSettings {
  readonly slots: readonly PackSlot[]
}

/** Asks for a range in a slot; the answer, without a word in it, comes when it is there. */
export interface PackRequest extends PackRange {
  readonly slot: number
}

const { rawPath, kind, earlier, slots, ...settings } = workerData as PackThreadData
const { clusterSize } = kind
const disk = openSync(rawPath, 'r')
const cluster = Buffer.alloc(clusterSize)
const zeros = Buffer.alloc(clusterSize)
const known = earlier === undefined ? () => undefined : indexedClusters(earlier, kind)

/** As QEMU does it (block/qcow2-threads.c): the window is what a reader has. */
const pack = {
  zlib: (bytes: Buffer) => deflateRawSync(bytes, { windowBits: 12, memLevel: 9, chunkSize: clusterSize }),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes, { chunkSize: clusterSize }),
}[kind.compression]

parentPort?.on('message', ({ first, count, slot }: PackRequest) => {
  const { lengths, bytes, digests } = slots[slot] as PackSlot
  let end = 0
  for (let at = 0; at < count; at++) {
    const kept = packed(first + at, digests.subarray(at * 2 * DIGEST_BYTES))
    bytes.set(kept, end)
    lengths[at] = kept.length
    end += kept.length
  }
  parentPort?.postMessage(undefined)
})

function packed(number: number, digests: Uint8Array): Buffer {
  const filled = readSync(disk, cluster, 0, clusterSize, number * clusterSize)
  cluster.fill(0, filled)
  if (cluster.equals(zeros)) return NOTHING
  if (!settings.digests) return smaller(pack(cluster))
  const digest = hash('sha256', cluster, 'buffer')
  const kept = known(digest) ?? smaller(pack(cluster))
  digests.set(digest)
  digests.set(hash('sha256', kept, 'buffer'), DIGEST_BYTES)
  return kept
}

function smaller(bytes: Buffer): Buffer {
  return bytes.length < clusterSize ? bytes : cluster
}

const NOTHING = Buffer.alloc(0)
