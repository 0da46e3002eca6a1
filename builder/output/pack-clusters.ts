import { Worker } from 'node:worker_threads'
import { DIGEST_BYTES } from './cluster-index.ts'
import type { PackRange, PackRequest, PackSettings, PackSlot, PackThreadData } from './pack-thread.ts'

/** What {@link packClusters} takes. */
export interface PackJob extends PackSettings {
  /** Clusters to pack, in the order of the disk. Others are not looked at. */
  readonly ranges: Iterable<PackRange>
  /** Clusters that a range has at most. */
  readonly most: number
  /** Threads at most. */
  readonly threads: number
  readonly signal?: AbortSignal | undefined
}

/** A range and what it was compressed to. Good until the next one is asked for. */
export interface PackedRange extends PackRange, PackSlot {}

/** For each thread: the range that it packs, the next one, and the last, which is being written. */
const SLOTS = 3

/**
 * Compresses clusters of a raw disk in threads, each cluster by itself.
 *
 * @returns the ranges in the order given, however the threads share them
 * @throws the reason of an aborted signal, or what made a thread fail
 */
export async function* packClusters(job: PackJob): AsyncGenerator<PackedRange> {
  const threads = Array.from({ length: Math.max(1, job.threads) }, () => startThread(job))
  const ahead: Promise<PackedRange>[] = []
  let given = 0
  try {
    for (const range of job.ranges) {
      const next = ahead.length < threads.length * (SLOTS - 1) ? undefined : ahead.shift()
      const thread = threads[given++ % threads.length]
      if (thread !== undefined) ahead.push(thread.pack(range))
      if (next !== undefined) yield await next
      job.signal?.throwIfAborted()
    }
    for (const range of ahead) yield await range
  } finally {
    await Promise.all(threads.map(({ end }) => end()))
  }
}

/** A thread that answers in the order in which it is asked. */
function startThread({ rawPath, kind, digests, earlier, most }: PackJob) {
  const slots = Array.from({ length: SLOTS }, () => ({
    lengths: new Uint32Array(new SharedArrayBuffer(most * 4)),
    bytes: new Uint8Array(new SharedArrayBuffer(most * kind.clusterSize)),
    digests: new Uint8Array(new SharedArrayBuffer(digests ? most * 2 * DIGEST_BYTES : 0)),
  }))
  const settings: PackThreadData = { rawPath, kind, digests, earlier, slots }
  const worker = new Worker(new URL('./pack-thread.ts', import.meta.url), { workerData: settings })
  const waiting: PromiseWithResolvers<void>[] = []
  let asked = 0
  let failure: unknown
  const fail = (error: unknown) => {
    failure ??= error
    for (const { reject } of waiting.splice(0)) reject(failure)
  }
  worker.on('message', () => waiting.shift()?.resolve())
  worker.on('error', fail)
  worker.on('exit', () => fail(new Error('a thread that compresses the image has ended')))
  return {
    pack(range: PackRange): Promise<PackedRange> {
      const slot = asked++ % SLOTS
      const done = Promise.withResolvers<void>()
      if (failure === undefined) {
        waiting.push(done)
        worker.postMessage({ ...range, slot } satisfies PackRequest)
      } else done.reject(failure)
      const answer = done.promise.then(() => ({ ...range, ...(slots[slot] as PackSlot) }))
      // Whoever takes the ranges in order may not have come to this one.
      answer.catch(() => undefined)
      return answer
    },
    end: () => worker.terminate(),
  }
}
