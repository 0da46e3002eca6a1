import { openSync, readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { deflateRawSync, zstdCompressSync } from 'node:zlib'

/** What a thread needs to know once. */
export interface PackSettings {
  readonly rawPath: string
  readonly clusterSize: number
  readonly compression: 'zlib' | 'zstd'
}

/** Clusters that follow each other on the disk. */
export interface PackRequest {
  readonly first: number
  readonly count: number
}

/** The same clusters, compressed. */
export interface PackRun extends PackRequest {
  /** Bytes of each: 0 for one of zeros, a whole cluster's for one that does not get smaller and is left as it is. */
  readonly lengths: Uint32Array<ArrayBuffer>
  /** One behind the other. */
  readonly bytes: Uint8Array<ArrayBuffer>
}

const { rawPath, clusterSize, compression } = workerData as PackSettings
const disk = openSync(rawPath, 'r')
const cluster = Buffer.alloc(clusterSize)
const zeros = Buffer.alloc(clusterSize)

/** As QEMU does it (block/qcow2-threads.c): the window is what a reader has. */
const pack = {
  zlib: (bytes: Buffer) => deflateRawSync(bytes, { windowBits: 12, memLevel: 9, chunkSize: clusterSize }),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes, { chunkSize: clusterSize }),
}[compression]

parentPort?.on('message', ({ first, count }: PackRequest) => {
  const lengths = new Uint32Array(count)
  const bytes = new Uint8Array(count * clusterSize)
  let end = 0
  for (let at = 0; at < count; at++) {
    const filled = readSync(disk, cluster, 0, clusterSize, (first + at) * clusterSize)
    cluster.fill(0, filled)
    if (cluster.equals(zeros)) continue
    const packed = pack(cluster)
    const kept = packed.length < clusterSize ? packed : cluster
    bytes.set(kept, end)
    lengths[at] = kept.length
    end += kept.length
  }
  const run: PackRun = { first, count, lengths, bytes: bytes.subarray(0, end) }
  parentPort?.postMessage(run, [lengths.buffer, bytes.buffer])
})
