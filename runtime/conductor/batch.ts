import type { Clock } from '../../lib/clock.ts'
import type { EventLog } from '../transport/log.ts'

/** How a batch gathers and writes. */
export interface BatchOptions<T> {
  /** Items that make a batch full. */
  readonly size: number
  /** How long the first item of a batch waits for more, in milliseconds. */
  readonly delayMs: number
  readonly write: (items: readonly T[]) => Promise<void>
  readonly clock: Clock
  readonly log: EventLog
}

export interface Batch<T> {
  /** Resolves once the item is written. Stays open when the batch was closed before it could be. */
  readonly add: (item: T) => Promise<void>
  /** Writes what is there and takes nothing more. */
  readonly close: () => Promise<void>
}

const RETRY_MS = 500
const RETRY_MAX_MS = 5000
/** Tries at writing what is left when the batch is closed. */
const LAST_TRIES = 3

/**
 * Gathers items and writes them together. A write that fails is tried again until it succeeds, so that nothing is lost
 * while the database is away; the senders wait, which is what keeps memory bounded.
 */
export function openBatch<T>(options: BatchOptions<T>): Batch<T> {
  const { size, delayMs, write, clock, log } = options
  interface Waiting {
    readonly item: T
    readonly resolve: () => void
  }
  let waiting: Waiting[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  let closed = false

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const batch = waiting
    waiting = []
    if (batch.length > 0) writing = writing.then(() => writeOut(batch))
    return writing
  }

  async function writeOut(batch: readonly Waiting[]): Promise<void> {
    const items = batch.map(({ item }) => item)
    for (let tries = 1, pauseMs = RETRY_MS; ; tries++, pauseMs = Math.min(pauseMs * 2, RETRY_MAX_MS)) {
      try {
        await write(items)
        for (const { resolve } of batch) resolve()
        return
      } catch (error) {
        log.warn({ err: error, items: items.length }, 'Messages could not be written; trying again')
        if (closed && tries >= LAST_TRIES) return
        await clock.sleep(pauseMs)
      }
    }
  }

  return {
    add(item) {
      return new Promise((resolve) => {
        if (closed) return
        waiting.push({ item, resolve })
        if (waiting.length >= size) void flush()
        else timer ??= setTimeout(() => void flush(), delayMs)
      })
    },
    async close() {
      closed = true
      await flush()
    },
  }
}
