import type { Clock } from '../../../lib/clock.ts'
import { noQueue, refused } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import { type EventLog, reasonOf } from '../log.ts'
import { guestOfQueue, isReplyQueue, queueName } from '../names.ts'
import type { Envelope, Principal, QueueName } from '../types.ts'
import type { Journal } from './journal.ts'
import { type Consumer, createQueue, type Entry, type MessageQueue } from './queue.ts'
import { createRights } from './rights.ts'

/** A message given to a consumer. */
export interface Held {
  readonly envelope: Envelope
  readonly sender: Principal
  readonly redelivered: boolean
  readonly ack: () => void
  readonly requeue: () => void
}

/** What one connection may do, whatever carries it. */
export interface Port {
  readonly principal: Principal
  readonly publish: (queue: string, envelope: Envelope) => Promise<void>
  /** @returns ends the subscription; what it held goes back */
  readonly subscribe: (queue: string, prefetch: number, take: (held: Held) => void) => Promise<() => void>
  /** Ends all subscriptions. */
  readonly detach: () => void
}

/** The hub without its sockets: queues, rights and the journal. */
export interface Broker {
  readonly port: (principal: Principal) => Port
  readonly openGuest: (instanceId: string) => void
  readonly removeGuest: (instanceId: string) => Promise<void>
  readonly guests: () => readonly string[]
  /** Brings back what the store holds. */
  readonly load: () => Promise<void>
  /** Drops what expired, and reply queues that nobody reads any more. */
  readonly sweep: () => void
  readonly waiting: (queue: QueueName) => number
}

export interface BrokerOptions {
  readonly journal: Journal
  /** Whether an instance of that id may have a queue: asked once for each queue that is not known yet. */
  readonly guestExists: (instanceId: string) => Promise<boolean>
  readonly clock: Clock
  readonly log: EventLog
}

export function createBroker(options: BrokerOptions): Broker {
  const { journal, clock, log } = options
  const rights = createRights()
  const queues = new Map<QueueName, MessageQueue>()
  const opening = new Map<QueueName, Promise<MessageQueue>>()
  const unread = new Map<QueueName, number>()
  const dropped = new Map<QueueName, number>()

  function open(name: QueueName): MessageQueue {
    const known = queues.get(name)
    if (known !== undefined) return known
    const queue = createQueue(name, {
      clock,
      onGone(entry, why) {
        if (why === 'dropped') dropped.set(name, (dropped.get(name) ?? 0) + 1)
        if (entry.envelope.persistent) journal.remove(name, entry.envelope, entry.sender)
      },
    })
    queues.set(name, queue)
    return queue
  }

  /** At once where it can be, so that the order of publishing is kept. */
  function find(name: QueueName): MessageQueue | Promise<MessageQueue> {
    const known = queues.get(name)
    if (known !== undefined) return known
    const instanceId = guestOfQueue(name)
    if (instanceId === undefined) {
      if (isReplyQueue(name)) throw noQueue(name)
      return open(name)
    }
    const asked =
      opening.get(name) ??
      options
        .guestExists(instanceId)
        .then((exists) => {
          if (!exists) throw noQueue(name)
          return open(name)
        })
        .finally(() => opening.delete(name))
    opening.set(name, asked)
    return asked
  }

  async function publish(principal: Principal, text: string, message: Envelope): Promise<void> {
    const name = queueName(text)
    if (rights.checkPublish(principal, name, message)) return
    const found = find(name)
    const queue = found instanceof Promise ? await found : found
    if (message.expiresAt !== undefined && message.expiresAt <= clock.now().getTime()) return
    // Whoever waits for a reply does not outlive the hub's memory of it.
    const envelope = isReplyQueue(name) ? { ...message, persistent: false } : message
    const { entry, fresh } = queue.push(envelope, principal)
    if (fresh && envelope.persistent) keep(queue, entry)
    else if (fresh) queue.pump()
    await entry.stored
  }

  function keep(queue: MessageQueue, entry: Entry): void {
    entry.ready = false
    entry.stored = journal.put(queue.name, entry.envelope, entry.sender).then(
      () => {
        entry.ready = true
        entry.stored = undefined
        queue.pump()
      },
      (error: unknown) => {
        queue.drop(entry)
        queue.pump()
        throw error
      },
    )
  }

  function port(principal: Principal): Port {
    const ends = new Set<() => void>()
    return {
      principal,
      publish: (queue, envelope) => publish(principal, queue, envelope),
      async subscribe(text, prefetch, take) {
        const name = queueName(text)
        rights.checkSubscribe(principal, name)
        if (prefetch < 1 || prefetch > LIMITS.prefetch) throw refused(`a prefetch of ${prefetch}`)
        if (ends.size >= LIMITS.subscriptions) throw refused('one more subscription on this connection')
        const queue = isReplyQueue(name) ? open(name) : await find(name)
        const consumer: Consumer = {
          prefetch,
          held: new Set(),
          take(entry) {
            rights.noteDelivery(principal, entry.envelope)
            take({
              envelope: entry.envelope,
              sender: entry.sender,
              redelivered: entry.redelivered,
              ack: () => queue.acknowledge(consumer, entry),
              requeue: () => queue.giveBack(consumer, entry),
            })
          },
        }
        const end = () => {
          if (!ends.delete(end)) return
          queue.removeConsumer(consumer)
          if (isReplyQueue(name) && queue.consumers() === 0) unread.set(name, clock.now().getTime())
        }
        ends.add(end)
        unread.delete(name)
        queue.addConsumer(consumer)
        return end
      },
      detach() {
        for (const end of [...ends]) end()
      },
    }
  }

  return {
    port,
    openGuest: (instanceId) => void open(`guestagent.${instanceId}`),
    async removeGuest(instanceId) {
      const name: QueueName = `guestagent.${instanceId}`
      rights.forget(instanceId)
      queues.delete(name)
      await journal.removeQueue(name)
    },
    guests: () => [...queues.keys()].flatMap((name) => guestOfQueue(name) ?? []),
    async load() {
      for (const { queue: name, envelope, sender } of await journal.load()) {
        try {
          const queue = open(queueName(name))
          // It may have been delivered before the hub ended.
          queue.push(envelope, sender).entry.redelivered = true
          queue.dropExpired()
        } catch (error) {
          log.error({ queue: name, reason: reasonOf(error) }, 'A stored message could not be queued')
        }
      }
    },
    sweep() {
      for (const queue of queues.values()) queue.dropExpired()
      const before = clock.now().getTime() - LIMITS.replyQueueMs
      for (const [name, since] of unread) {
        if (since > before) continue
        unread.delete(name)
        queues.delete(name)
      }
      // Once a sweep, not once a message: a flood must not fill the log too.
      for (const [queue, messages] of dropped) log.warn({ queue, messages }, 'A full queue dropped messages')
      dropped.clear()
    },
    waiting: (name) => queues.get(name)?.size() ?? 0,
  }
}
