import type { TLSSocket } from 'node:tls'
import type { Clock } from '../../../lib/clock.ts'
import { CofferError } from '../../../lib/errors.ts'
import { badFrame, refused } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import { type EventLog, reasonOf } from '../log.ts'
import { identityOf } from '../names.ts'
import type { TransportAdmin } from '../types.ts'
import type { Held, Port } from './broker.ts'
import { encodeFrame, frameReader } from './frames.ts'
import {
  type ClientFrame,
  fromWire,
  type HubFrame,
  PROTOCOL_VERSION,
  readClientFrame,
  toWire,
} from './protocol.ts'

/** Requests of one connection under way; past that the hub reads no more from it until some are answered. */
const REQUESTS = 512
/** Refused requests after which a connection is closed. */
const REFUSALS = 100
/** Bytes waiting to be sent; past that the hub reads no more from that connection until it has taken them. */
const UNSENT = 1024 * 1024

/** The hub's side of one connection. */
export interface Session {
  readonly identity: string
  readonly key: Buffer
  /** Monotonic milliseconds of the last sign of life. */
  readonly lastHeard: () => number
  /** Tells the peer why, and ends. */
  readonly end: (code: string, message: string) => void
  readonly destroy: () => void
}

/** Speaks the protocol with an authenticated peer until the socket closes. */
export function startSession(options: {
  readonly socket: TLSSocket
  readonly key: Buffer
  readonly port: Port
  readonly admin: TransportAdmin
  readonly clock: Clock
  readonly log: EventLog
  readonly onClose: (session: Session) => void
}): Session {
  const { socket, port, admin, clock, log } = options
  const { principal } = port
  const identity = identityOf(principal)
  const limit = principal.kind === 'guest' ? LIMITS.guestMessage : LIMITS.controlMessage
  const deliveries = new Map<number, { held: Held; subscription: number }>()
  const subscriptions = new Map<number, () => void>()
  let nextDelivery = 1
  let requests = 0
  let refusals = 0
  let welcomed = false
  let ended = false
  let heard = performance.now()

  function send(frame: HubFrame): void {
    if (!socket.writable) return
    socket.write(encodeFrame(frame, LIMITS.controlMessage * 2))
    if (socket.writableLength > UNSENT) socket.pause()
  }

  function throttle(change: 1 | -1): void {
    requests += change
    if (requests >= REQUESTS) socket.pause()
    else if (requests < REQUESTS / 2 && socket.isPaused() && socket.writableLength <= UNSENT) socket.resume()
  }

  /** Answers a request with what becomes of it. */
  function answer(n: number, work: Promise<readonly string[] | undefined>): void {
    throttle(1)
    work
      .then(
        (value) => send({ type: 'done', n, ...(value === undefined ? {} : { value }) }),
        (error: unknown) => send(failure(n, error)),
      )
      .finally(() => throttle(-1))
  }

  /** One line a connection: who tries what it may not do must not fill the log, nor go on for ever. */
  function countRefusal(reason: string): void {
    refusals++
    if (refusals === 1) log.warn({ identity, reason }, 'A request was refused')
    if (refusals === REFUSALS) end('TRANSPORT_REFUSED', 'Too many requests were refused.')
  }

  function failure(n: number, error: unknown): HubFrame {
    if (error instanceof CofferError) {
      if (error.code === 'TRANSPORT_REFUSED') countRefusal(error.message)
      return { type: 'failed', n, code: error.code, message: error.message, retryable: error.retryable }
    }
    log.error({ identity, reason: reasonOf(error) }, 'A message could not be kept')
    return {
      type: 'failed',
      n,
      code: 'TRANSPORT_FAILED',
      message: 'The message broker could not keep the message.',
      retryable: true,
    }
  }

  async function subscribe(frame: Extract<ClientFrame, { type: 'subscribe' }>): Promise<void> {
    const { subscription } = frame
    if (subscriptions.has(subscription)) throw refused('a second subscription of the same number')
    let cancelled = false
    subscriptions.set(subscription, () => {
      cancelled = true
    })
    try {
      const end = await port.subscribe(frame.queue, frame.prefetch, (held) => {
        const delivery = nextDelivery++
        deliveries.set(delivery, { held, subscription })
        const { sender, redelivered } = held
        const message = toWire(held.envelope, clock.now().getTime())
        send({ type: 'delivery', subscription, delivery, sender, redelivered, message })
      })
      if (cancelled || ended) end()
      else subscriptions.set(subscription, end)
    } catch (error) {
      subscriptions.delete(subscription)
      throw error
    }
  }

  function cancel(subscription: number): void {
    subscriptions.get(subscription)?.()
    subscriptions.delete(subscription)
    for (const [number, delivery] of deliveries) {
      if (delivery.subscription === subscription) deliveries.delete(number)
    }
  }

  function settle(numbers: readonly number[], how: 'ack' | 'requeue'): void {
    for (const number of numbers) {
      const delivery = deliveries.get(number)
      deliveries.delete(number)
      delivery?.held[how]()
    }
  }

  /** Does what a numbered frame asks for. */
  async function perform(frame: Extract<ClientFrame, { n: number }>): Promise<readonly string[] | undefined> {
    if (frame.type === 'publish') {
      await port.publish(frame.queue, fromWire(frame.message, clock.now().getTime()))
    } else if (frame.type === 'subscribe') {
      await subscribe(frame)
    } else if (frame.type === 'cancel') {
      cancel(frame.subscription)
    } else if (principal.kind !== 'control') {
      throw refused('the administration of guests to a guest')
    } else if (frame.type === 'createGuest') {
      await admin.createGuest(frame.instanceId, frame.secret)
    } else if (frame.type === 'deleteGuest') {
      await admin.deleteGuest(frame.instanceId)
    } else {
      return await admin.listGuests()
    }
    return undefined
  }

  function onFrame(value: unknown): void {
    const frame = readClientFrame(value)
    if (!welcomed) {
      if (frame.type !== 'hello') throw badFrame('the first frame must be hello')
      if (frame.version !== PROTOCOL_VERSION) {
        end('TRANSPORT_VERSION', `The hub speaks version ${PROTOCOL_VERSION} of the protocol.`)
        return
      }
      welcomed = true
      send({ type: 'welcome', version: PROTOCOL_VERSION, limit })
      return
    }
    if (frame.type === 'hello') throw badFrame('a second hello')
    if (frame.type === 'ping') send({ type: 'pong' })
    else if (frame.type === 'ack' || frame.type === 'requeue') settle(frame.deliveries, frame.type)
    else answer(frame.n, perform(frame))
  }

  function end(code: string, message: string): void {
    if (ended) return
    ended = true
    send({ type: 'bye', code, message })
    port.detach()
    socket.end()
    // A peer that does not take its leave is cut off.
    setTimeout(() => socket.destroy(), 2000).unref()
  }

  const read = frameReader(() => limit, onFrame)
  socket.on('data', (chunk: Buffer) => {
    heard = performance.now()
    if (ended) return
    try {
      read(chunk)
    } catch (error) {
      const code = error instanceof CofferError ? error.code : 'TRANSPORT_BAD_FRAME'
      log.warn({ identity, reason: reasonOf(error) }, 'A connection broke the rules of the transport')
      end(code, reasonOf(error))
    }
  })
  socket.on('drain', () => {
    if (requests < REQUESTS) socket.resume()
  })
  socket.on('error', (error) => log.debug({ identity, reason: error.message }, 'A connection broke'))
  socket.once('close', () => {
    port.detach()
    deliveries.clear()
    options.onClose(session)
  })
  const session: Session = {
    identity,
    key: options.key,
    lastHeard: () => heard,
    end,
    destroy: () => socket.destroy(),
  }
  return session
}
