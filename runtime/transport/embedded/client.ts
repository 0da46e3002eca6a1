import { type Clock, systemClock } from '../../../lib/clock.ts'
import { changeListeners } from '../change-listeners.ts'
import { aborted, BrokerError, closed } from '../errors.ts'
import { type EventLog, reasonOf, silentLog } from '../log.ts'
import type { Connection, Delivery, Envelope, QueueName } from '../types.ts'
import type { EmbeddedAddress } from '../url.ts'
import { dial, type Link } from './link.ts'
import { type ClientFrame, fromWire, type HubFrame, toWire } from './protocol.ts'

/** Milliseconds of silence before a ping. The hub counts a peer as dead after two and a half times that. */
const HEARTBEAT_MS = 10_000
const FIRST_RETRY_MS = 200
const LAST_RETRY_MS = 15_000

export interface ClientOptions {
  readonly clock?: Clock
  readonly log?: EventLog
  /** Default 10,000; tests shorten it. */
  readonly heartbeatMs?: number
}

/** A connection to an embedded hub in another process. */
export interface EmbeddedClient extends Connection {
  /** Administration, for control processes. */
  readonly administer: (request: AdminRequest) => Promise<readonly string[]>
  /** Why the last attempt to connect failed, while not connected. */
  readonly lastFailure: () => Error | undefined
}

export type AdminRequest =
  | { readonly type: 'createGuest'; readonly instanceId: string; readonly secret: string }
  | { readonly type: 'deleteGuest'; readonly instanceId: string }
  | { readonly type: 'listGuests' }

interface Request {
  /** The frame as it is sent now: the time that a message has left shrinks while it waits. Undefined: not worth sending. */
  readonly frame: (n: number) => ClientFrame | undefined
  /** Means nothing on the next connection. */
  readonly once: boolean
  readonly resolve: (value: readonly string[]) => void
  readonly reject: (error: unknown) => void
}

interface Reader {
  readonly queue: QueueName
  readonly prefetch: number
  readonly handler: (delivery: Delivery) => void
  /** The hub has accepted it once; until then its first request is sent again, not the reader. */
  accepted: boolean
}

/**
 * Connects, and again with back-off after each loss. Requests wait for a connection; those that were not answered when one
 * broke are sent again in their order, after the subscriptions.
 */
export function connectEmbedded(address: EmbeddedAddress, options: ClientOptions = {}): EmbeddedClient {
  const { clock = systemClock, log = silentLog, heartbeatMs = HEARTBEAT_MS } = options
  const where = { identity: address.identity, host: address.host, port: address.port }
  const requests = new Map<number, Request>()
  const readers = new Map<number, Reader>()
  const listeners = changeListeners()
  const settled = { ack: [] as number[], requeue: [] as number[] }
  let nextNumber = 1
  let link: Link | undefined
  let breakOff: (() => void) | undefined
  let retryTimer: NodeJS.Timeout | undefined
  let failures = 0
  let failure: Error | undefined
  let over = false

  function start(): void {
    breakOff = dial(address, heartbeatMs, {
      onOpen(opened) {
        failures = 0
        failure = undefined
        link = opened
        log.info(where, 'Connected to the hub')
        const owed = [...requests]
        for (const [subscription, reader] of readers) if (reader.accepted) resubscribe(subscription, reader)
        for (const [n, request] of owed) transmit(n, request)
        tell(true)
      },
      onFrame,
      onClose(reason) {
        const was = link !== undefined
        link = undefined
        failure = reason
        settled.ack = []
        settled.requeue = []
        for (const [n, { once, resolve }] of [...requests]) {
          if (once) requests.delete(n)
          if (once) resolve([])
        }
        if (was) tell(false)
        if (over) return
        const delay = Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS) * (0.5 + Math.random())
        failures++
        // One line at the loss and one in sixteen attempts: an hour's outage must not fill a guest's disk.
        if (was || failures % 16 === 1)
          log.warn({ ...where, reason: reason.message }, 'There is no connection to the hub')
        retryTimer = setTimeout(start, delay)
      },
    })
  }

  function tell(connected: boolean): void {
    listeners.tell(connected)
  }

  function transmit(n: number, request: Request): void {
    if (link === undefined) return
    try {
      const frame = request.frame(n)
      if (frame !== undefined) {
        link.send(frame)
        return
      }
      requests.delete(n)
      request.resolve([])
    } catch (error) {
      requests.delete(n)
      request.reject(error)
    }
  }

  function request(
    frame: Request['frame'],
    { signal, once = false }: { readonly signal?: AbortSignal | undefined; readonly once?: boolean } = {},
  ): Promise<readonly string[]> {
    if (over) return Promise.reject(closed())
    if (signal?.aborted === true) return Promise.reject(aborted())
    return new Promise((resolve, reject) => {
      const n = nextNumber++
      const onAbort = () => {
        requests.delete(n)
        reject(aborted())
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      const done = () => signal?.removeEventListener('abort', onAbort)
      const entry: Request = {
        frame,
        once,
        resolve: (value) => {
          done()
          resolve(value)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      }
      requests.set(n, entry)
      transmit(n, entry)
    })
  }

  function subscribeFrame(subscription: number, { queue, prefetch }: Reader): Request['frame'] {
    return (n) => ({ type: 'subscribe', n, subscription, queue, prefetch })
  }

  /** After a reconnection. Its answer matters to the log only. */
  function resubscribe(subscription: number, reader: Reader): void {
    request(subscribeFrame(subscription, reader), { once: true }).catch((error: unknown) => {
      if (!over)
        log.error({ ...where, queue: reader.queue, reason: reasonOf(error) }, 'A queue cannot be read')
    })
  }

  function settle(how: 'ack' | 'requeue', delivery: number): void {
    settled[how].push(delivery)
    // All that is settled in one turn of the event loop travels in one frame.
    if (settled.ack.length + settled.requeue.length === 1) queueMicrotask(sendSettled)
  }

  function sendSettled(): void {
    for (const type of ['ack', 'requeue'] as const) {
      const deliveries = settled[type]
      settled[type] = []
      if (deliveries.length > 0) link?.send({ type, deliveries })
    }
  }

  function deliver(frame: Extract<HubFrame, { type: 'delivery' }>): void {
    const from = link
    const reader = readers.get(frame.subscription)
    // What is not taken here goes back to its queue when the hub ends the subscription.
    if (reader === undefined) return
    let open = true
    const once = (how: 'ack' | 'requeue') => () => {
      // A delivery of a lost connection was given back by the hub.
      if (open && link === from) settle(how, frame.delivery)
      open = false
    }
    try {
      reader.handler({
        envelope: fromWire(frame.message, clock.now().getTime()),
        sender: frame.sender,
        redelivered: frame.redelivered,
        ack: once('ack'),
        requeue: once('requeue'),
      })
    } catch (error) {
      log.error({ ...where, queue: reader.queue, reason: reasonOf(error) }, 'The handler of a message failed')
    }
  }

  function onFrame(frame: HubFrame): void {
    if (frame.type === 'delivery') deliver(frame)
    if (frame.type !== 'done' && frame.type !== 'failed') return
    const entry = requests.get(frame.n)
    requests.delete(frame.n)
    if (frame.type === 'done') entry?.resolve(frame.value ?? [])
    else entry?.reject(new BrokerError(frame))
  }

  function publishFrame(queue: QueueName, envelope: Envelope): Request['frame'] {
    return (n) => {
      const now = clock.now().getTime()
      if (envelope.expiresAt !== undefined && envelope.expiresAt <= now) return undefined
      return { type: 'publish', n, queue, message: toWire(envelope, now) }
    }
  }

  start()
  return {
    async publish(queue, envelope, signal) {
      await request(publishFrame(queue, envelope), { signal })
    },
    async subscribe(queue, { prefetch }, handler) {
      const subscription = nextNumber++
      const reader: Reader = { queue, prefetch, handler, accepted: false }
      readers.set(subscription, reader)
      try {
        await request(subscribeFrame(subscription, reader))
        reader.accepted = true
      } catch (error) {
        readers.delete(subscription)
        throw error
      }
      return {
        async cancel() {
          if (!readers.delete(subscription) || link === undefined) return
          await request((n) => ({ type: 'cancel', n, subscription }), { once: true })
        },
      }
    },
    administer: (wanted) => request((n) => ({ ...wanted, n })),
    lastFailure: () => failure,
    connected: () => link !== undefined,
    onChange: listeners.add,
    async close() {
      if (over) return
      over = true
      clearTimeout(retryTimer)
      sendSettled()
      for (const entry of requests.values()) entry.reject(closed())
      requests.clear()
      if (link === undefined) return breakOff?.()
      await new Promise<void>((resolve) => {
        listeners.add(() => resolve())
        link?.end()
        setTimeout(() => breakOff?.(), 2000).unref()
      })
    },
  }
}
