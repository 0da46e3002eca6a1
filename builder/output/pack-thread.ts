import { openSync, readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { deflateRawSync, zstdCompressSync } from 'node:zlib'
import { earlierClusters } from './earlier-clusters.ts'

/** What a thread needs to know once. */
export interface PackSettings {
  readonly rawPath: string
  readonly clusterSize: number
  readonly compression: 'zlib' | 'zstd'
  /** See {@link earlierClusters}. */
  readonly earlier: string | undefined
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
}

export interface PackThreadData extends PackSettings {
  readonly slots: readonly PackSlot[]
}

/** Asks for a range in a slot; the answer, without a word in it, comes when it is there. */
export interface PackRequest extends PackRange {
  readonly slot: number
}

const { rawPath, clusterSize, compression, earlier, slots } = workerData as PackThreadData
const disk = openSync(rawPath, 'r')
const cluster = Buffer.alloc(clusterSize)
const zeros = Buffer.alloc(clusterSize)
const known = earlierClusters(earlier, { clusterSize, compression })

/** As QEMU does it (block/qcow2-threads.c): the window is what a reader has. */
const pack = {
  zlib: (bytes: Buffer) => deflateRawSync(bytes, { windowBits: 12, memLevel: 9, chunkSize: clusterSize }),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes, { chunkSize: clusterSize }),
}[compression]

parentPort?.on('message', ({ first, count, slot }: PackRequest) => {
  const { lengths, bytes } = slots[slot] as PackSlot
  let end = 0
  for (let at = 0; at < count; at++) {
    const kept = packed(first + at)
    bytes.set(kept, end)
    lengths[at] = kept.length
    end += kept.length
  }
  parentPort?.postMessage(undefined)
})

function packed(number: number): Buffer {
  const filled = readSync(disk, cluster, 0, clusterSize, number * clusterSize)
  cluster.fill(0, filled)
  if (cluster.equals(zeros)) return NOTHING
  const smaller = known.same(number, cluster) ?? pack(cluster)
  return smaller.length < clusterSize ? smaller : cluster
}

const NOTHING = Buffer.alloc(0)
