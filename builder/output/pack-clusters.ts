import { Worker } from 'node:worker_threads'
import type { PackRequest, PackRun, PackSettings } from './pack-thread.ts'

/** What {@link packClusters} takes. */
export interface PackJob extends PackSettings {
  /** Runs of clusters to pack, in the order of the disk. Others are not looked at. */
  readonly ranges: Iterable<PackRequest>
  /** Threads at most. */
  readonly threads: number
  readonly signal?: AbortSignal | undefined
}

/** Runs that each thread has in hand: the next waits there while the last is fetched. */
const RUNS_A_THREAD = 2

/**
 * Compresses clusters of a raw disk in threads, each cluster by itself.
 *
 * @returns the runs in the order given, however the threads share them
 * @throws the reason of an aborted signal, or what made a thread fail
 */
export async function* packClusters(job: PackJob): AsyncGenerator<PackRun> {
  const threads = Array.from({ length: Math.max(1, job.threads) }, () => startThread(job))
  const ahead: Promise<PackRun>[] = []
  let given = 0
  try {
    for (const range of job.ranges) {
      const next = ahead.length < threads.length * RUNS_A_THREAD ? undefined : ahead.shift()
      const thread = threads[given++ % threads.length]
      if (thread !== undefined) ahead.push(thread.pack(range))
      if (next !== undefined) yield await next
      job.signal?.throwIfAborted()
    }
    for (const run of ahead) yield await run
  } finally {
    await Promise.all(threads.map(({ end }) => end()))
  }
}

/** A thread that answers in the order in which it is asked. */
function startThread({ rawPath, clusterSize, compression }: PackSettings) {
  const settings: PackSettings = { rawPath, clusterSize, compression }
  const worker = new Worker(new URL('./pack-thread.ts', import.meta.url), { workerData: settings })
  const waiting: PromiseWithResolvers<PackRun>[] = []
  let failure: unknown
  const fail = (error: unknown) => {
    failure ??= error
    for (const { reject } of waiting.splice(0)) reject(failure)
  }
  worker.on('message', (run: PackRun) => waiting.shift()?.resolve(run))
  worker.on('error', fail)
  worker.on('exit', () => fail(new Error('a thread that compresses the image has ended')))
  return {
    pack(range: PackRequest): Promise<PackRun> {
      const answer = Promise.withResolvers<PackRun>()
      // Whoever takes the runs in order may not have come to this one.
      answer.promise.catch(() => undefined)
      if (failure === undefined) {
        waiting.push(answer)
        worker.postMessage(range)
      } else answer.reject(failure)
      return answer.promise
    },
    end: () => worker.terminate(),
  }
}
