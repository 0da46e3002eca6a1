import type { Clock } from '../../../lib/clock.ts'
import { queueFull } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import { identityOf } from '../names.ts'
import type { Envelope, Principal, QueueName } from '../types.ts'

/** A message in a queue: waiting, or held by a consumer until it is acknowledged. */
export interface Entry {
  /** Order of arrival. */
  readonly seq: number
  readonly envelope: Envelope
  readonly sender: Principal
  redelivered: boolean
  /** Resolves when the store has it; undefined for messages that need no store. */
  stored: Promise<void> | undefined
  /** May be delivered: what is to be stored is delivered after that only. */
  ready: boolean
}

export interface Consumer {
  readonly prefetch: number
  readonly held: Set<Entry>
  readonly take: (entry: Entry) => void
}

/** A queue in memory. Delivers in order of arrival, to the least loaded consumer. */
export interface MessageQueue {
  readonly name: QueueName
  /**
   * Appends, and makes room when the queue is full by dropping the oldest message that need not be kept.
   * @returns the entry; an earlier one when that sender's message is here already
   * @throws CofferError TRANSPORT_QUEUE_FULL when only messages to keep wait
   */
  readonly push: (envelope: Envelope, sender: Principal) => { readonly entry: Entry; readonly fresh: boolean }
  readonly addConsumer: (consumer: Consumer) => void
  /** What it holds goes back to the front. */
  readonly removeConsumer: (consumer: Consumer) => void
  readonly acknowledge: (consumer: Consumer, entry: Entry) => void
  readonly giveBack: (consumer: Consumer, entry: Entry) => void
  /** Takes an entry out for good, wherever it is. */
  readonly drop: (entry: Entry) => void
  /** Delivers what can be delivered. */
  readonly pump: () => void
  readonly dropExpired: () => void
  readonly entries: () => Iterable<Entry>
  readonly size: () => number
  readonly consumers: () => number
}

interface Load {
  messages: number
  bytes: number
}

/** @param onGone called with each entry that left for good: acknowledged, expired or dropped */
export function createQueue(
  name: QueueName,
  options: {
    readonly clock: Clock
    readonly onGone: (entry: Entry, why: 'acknowledged' | 'expired' | 'dropped') => void
  },
): MessageQueue {
  const { clock, onGone } = options
  const all = new Map<string, Entry>()
  const waiting: Entry[] = []
  const consumers = new Set<Consumer>()
  const total: Load = { messages: 0, bytes: 0 }
  const guests = new Map<string, Load>()
  let nextSeq = 1
  let pumping = false
  let again = false

  const keyOf = (sender: Principal, id: string) => `${identityOf(sender)} ${id}`
  const expired = (entry: Entry, now: number) =>
    entry.envelope.expiresAt !== undefined && entry.envelope.expiresAt <= now

  function count(entry: Entry, sign: 1 | -1): void {
    const bytes = sign * entry.envelope.body.length
    total.messages += sign
    total.bytes += bytes
    if (entry.sender.kind !== 'guest') return
    const load = guests.get(entry.sender.instanceId) ?? { messages: 0, bytes: 0 }
    load.messages += sign
    load.bytes += bytes
    if (load.messages === 0) guests.delete(entry.sender.instanceId)
    else guests.set(entry.sender.instanceId, load)
  }

  function gone(entry: Entry, why: 'acknowledged' | 'expired' | 'dropped'): void {
    if (!all.delete(keyOf(entry.sender, entry.envelope.id))) return
    count(entry, -1)
    onGone(entry, why)
  }

  function unqueue(entry: Entry): void {
    const at = waiting.indexOf(entry)
    if (at >= 0) waiting.splice(at, 1)
  }

  function dropExpired(): void {
    const now = clock.now().getTime()
    for (const entry of waiting.filter((candidate) => expired(candidate, now))) {
      unqueue(entry)
      gone(entry, 'expired')
    }
  }

  /** Whether one more message of that size and sender fits. */
  function fits(bytes: number, sender: Principal): boolean {
    if (total.messages >= LIMITS.queueMessages || total.bytes + bytes > LIMITS.queueBytes) return false
    const load = sender.kind === 'guest' ? guests.get(sender.instanceId) : undefined
    return (
      load === undefined || (load.messages < LIMITS.guestMessages && load.bytes + bytes <= LIMITS.guestBytes)
    )
  }

  function makeRoom(bytes: number, sender: Principal): void {
    if (fits(bytes, sender)) return
    dropExpired()
    while (!fits(bytes, sender)) {
      const own = (entry: Entry) => identityOf(entry.sender) === identityOf(sender)
      const transient = (entry: Entry) => !entry.envelope.persistent
      // A guest makes room among its own messages, never among those of others.
      const victim = waiting.find((entry) => transient(entry) && (sender.kind === 'control' || own(entry)))
      if (victim === undefined) throw queueFull(name)
      unqueue(victim)
      gone(victim, 'dropped')
    }
  }

  function freest(): Consumer | undefined {
    let best: Consumer | undefined
    for (const consumer of consumers) {
      if (
        consumer.held.size < consumer.prefetch &&
        (best === undefined || consumer.held.size < best.held.size)
      ) {
        best = consumer
      }
    }
    return best
  }

  function deliverAll(): void {
    for (let head = waiting[0]; head !== undefined; head = waiting[0]) {
      if (expired(head, clock.now().getTime())) {
        waiting.shift()
        gone(head, 'expired')
        continue
      }
      const consumer = head.ready ? freest() : undefined
      if (consumer === undefined) return
      waiting.shift()
      consumer.held.add(head)
      consumer.take(head)
    }
  }

  function pump(): void {
    // A consumer may acknowledge, and so pump, while it is given something.
    again = true
    if (pumping) return
    pumping = true
    try {
      while (again) {
        again = false
        deliverAll()
      }
    } finally {
      pumping = false
    }
  }

  function putBack(entry: Entry): void {
    entry.redelivered = true
    const at = waiting.findIndex((other) => other.seq > entry.seq)
    waiting.splice(at < 0 ? waiting.length : at, 0, entry)
  }

  return {
    name,
    push(envelope, sender) {
      const key = keyOf(sender, envelope.id)
      const known = all.get(key)
      if (known !== undefined) return { entry: known, fresh: false }
      makeRoom(envelope.body.length, sender)
      const entry: Entry = {
        seq: nextSeq++,
        envelope,
        sender,
        redelivered: false,
        stored: undefined,
        ready: true,
      }
      all.set(key, entry)
      count(entry, 1)
      waiting.push(entry)
      return { entry, fresh: true }
    },
    addConsumer(consumer) {
      consumers.add(consumer)
      pump()
    },
    removeConsumer(consumer) {
      consumers.delete(consumer)
      for (const entry of consumer.held) putBack(entry)
      consumer.held.clear()
      pump()
    },
    acknowledge(consumer, entry) {
      if (!consumer.held.delete(entry)) return
      gone(entry, 'acknowledged')
      pump()
    },
    giveBack(consumer, entry) {
      if (!consumer.held.delete(entry)) return
      putBack(entry)
      pump()
    },
    drop(entry) {
      unqueue(entry)
      for (const consumer of consumers) consumer.held.delete(entry)
      gone(entry, 'dropped')
    },
    pump,
    dropExpired,
    entries: () => all.values(),
    size: () => all.size,
    consumers: () => consumers.size,
  }
}
