import { createHash } from 'node:crypto'
import { identityOf } from '../names.ts'
import type { Envelope, Principal, QueueName } from '../types.ts'
import type { MessageStore, Sealer, StoredMessage } from './store.ts'

/** Removals may wait this long, in milliseconds, so that many share one statement. A kill meanwhile delivers them again. */
const REMOVE_DELAY_MS = 20

/** Keeps persistent messages in the store, in order, many at a time. */
export interface Journal {
  /** Resolves when the store holds the message. */
  readonly put: (queue: QueueName, envelope: Envelope, sender: Principal) => Promise<void>
  /** The message has left its queue. Never fails: what cannot be removed comes again. */
  readonly remove: (queue: QueueName, envelope: Envelope, sender: Principal) => void
  readonly removeQueue: (queue: QueueName) => Promise<void>
  /** What the store holds, in order of arrival. Messages that another key sealed are reported and left there. */
  readonly load: () => Promise<readonly { queue: string; envelope: Envelope; sender: Principal }[]>
  /** Resolves when nothing waits to be written. */
  readonly flush: () => Promise<void>
}

type Operation =
  | { kind: 'put'; message: StoredMessage; done: () => void; failed: (error: unknown) => void }
  | { kind: 'remove'; id: string }
  | { kind: 'queue'; queue: string; done: () => void; failed: (error: unknown) => void }

/**
 * The key of a message in the store. Ids are made by senders, so that one guest could choose another message's id: the key
 * is made of all that makes a message.
 */
export function storeKey(queue: string, sender: Principal, id: string): string {
  return createHash('sha256')
    .update(`${queue}\0${identityOf(sender)}\0${id}`)
    .digest('hex')
    .slice(0, 32)
}

/** @param onError told of every write that failed, and of every message that could not be read */
export function createJournal(
  store: MessageStore,
  sealer: Sealer,
  onError: (error: unknown, what: string) => void,
): Journal {
  let pending: Operation[] = []
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  async function write(batch: readonly Operation[]): Promise<void> {
    const [first] = batch
    if (first?.kind === 'put') {
      const puts = batch.filter((operation) => operation.kind === 'put')
      try {
        if (store.putAll !== undefined) await store.putAll(puts.map(({ message }) => message))
        else for (const { message } of puts) await store.put(message)
        for (const { done } of puts) done()
      } catch (error) {
        onError(error, 'put')
        for (const { failed } of puts) failed(error)
      }
    } else if (first?.kind === 'remove') {
      const ids = batch.flatMap((operation) => (operation.kind === 'remove' ? [operation.id] : []))
      await store.remove(ids).catch((error: unknown) => onError(error, 'remove'))
    } else if (first?.kind === 'queue') {
      await store.removeQueue(first.queue).then(first.done, first.failed)
    }
  }

  /** The first operations of one kind: a later put of the same message must not overtake its removal. */
  function nextBatch(): readonly Operation[] {
    const kind = pending[0]?.kind
    const end = kind === 'queue' ? 1 : pending.findIndex((operation) => operation.kind !== kind)
    const batch = pending.slice(0, end < 0 ? pending.length : Math.min(end, 500))
    pending = pending.slice(batch.length)
    return batch
  }

  async function drain(): Promise<void> {
    // Let what is published in this turn of the event loop share the statement.
    await Promise.resolve()
    while (pending.length > 0) await write(nextBatch())
    running = undefined
  }

  function start(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    running ??= drain()
    return running
  }

  return {
    put: (queue, envelope, sender) =>
      new Promise((resolve, reject) => {
        const message: StoredMessage = {
          id: storeKey(queue, sender, envelope.id),
          queue,
          body: sealer.seal(JSON.stringify(envelope)),
          sender: JSON.stringify(sender),
          expires_at: envelope.expiresAt ?? null,
        }
        pending.push({ kind: 'put', message, done: resolve, failed: reject })
        void start()
      }),
    remove(queue, envelope, sender) {
      pending.push({ kind: 'remove', id: storeKey(queue, sender, envelope.id) })
      if (running === undefined) timer ??= setTimeout(() => void start(), REMOVE_DELAY_MS)
    },
    removeQueue: (queue) =>
      new Promise((resolve, reject) => {
        pending.push({ kind: 'queue', queue, done: resolve, failed: reject })
        void start()
      }),
    async load() {
      const messages = await store.all()
      return messages.flatMap((message) => {
        try {
          const envelope = JSON.parse(sealer.open(message.body)) as Envelope
          const sender = JSON.parse(message.sender) as Principal
          return [{ queue: message.queue, envelope, sender }]
        } catch (error) {
          onError(error, 'open')
          return []
        }
      })
    },
    async flush() {
      if (pending.length > 0 || running !== undefined) await start()
    },
  }
}
