import { badFrame } from '../errors.ts'
import type { Envelope, Principal, QueueName } from '../types.ts'

/** Raised when a frame changes its meaning; both sides name it first, and a hub refuses versions it does not know. */
export const PROTOCOL_VERSION = 1

/** An envelope on the wire. Times travel as what is left of them, since the clocks of guests go wrong. */
export interface WireMessage {
  readonly id: string
  readonly body: string
  readonly persistent: boolean
  readonly replyTo?: string
  readonly correlationId?: string
  /** Milliseconds left. */
  readonly ttl?: number
}

/** What a client sends. `n` numbers its requests; each gets one answer `done` or `failed` with the same number. */
export type ClientFrame =
  | { readonly type: 'hello'; readonly version: number }
  | { readonly type: 'publish'; readonly n: number; readonly queue: string; readonly message: WireMessage }
  | {
      readonly type: 'subscribe'
      readonly n: number
      readonly subscription: number
      readonly queue: string
      readonly prefetch: number
    }
  | { readonly type: 'cancel'; readonly n: number; readonly subscription: number }
  | { readonly type: 'ack'; readonly deliveries: readonly number[] }
  | { readonly type: 'requeue'; readonly deliveries: readonly number[] }
  | { readonly type: 'createGuest'; readonly n: number; readonly instanceId: string; readonly secret: string }
  | { readonly type: 'deleteGuest'; readonly n: number; readonly instanceId: string }
  | { readonly type: 'listGuests'; readonly n: number }
  | { readonly type: 'ping' }

/** What the hub sends. */
export type HubFrame =
  | { readonly type: 'welcome'; readonly version: number; readonly limit: number }
  | { readonly type: 'done'; readonly n: number; readonly value?: readonly string[] }
  | {
      readonly type: 'failed'
      readonly n: number
      readonly code: string
      readonly message: string
      readonly retryable: boolean
    }
  | {
      readonly type: 'delivery'
      readonly subscription: number
      readonly delivery: number
      readonly sender: Principal
      readonly redelivered: boolean
      readonly message: WireMessage
    }
  | { readonly type: 'pong' }
  /** The hub's last frame: why it closes the connection. */
  | { readonly type: 'bye'; readonly code: string; readonly message: string }

export function toWire(envelope: Envelope, now: number): WireMessage {
  return {
    id: envelope.id,
    body: envelope.body,
    persistent: envelope.persistent,
    ...(envelope.replyTo === undefined ? {} : { replyTo: envelope.replyTo }),
    ...(envelope.correlationId === undefined ? {} : { correlationId: envelope.correlationId }),
    ...(envelope.expiresAt === undefined ? {} : { ttl: Math.max(0, envelope.expiresAt - now) }),
  }
}

export function fromWire(message: WireMessage, now: number): Envelope {
  return {
    id: message.id,
    body: message.body,
    persistent: message.persistent,
    ...(message.replyTo === undefined ? {} : { replyTo: message.replyTo as QueueName }),
    ...(message.correlationId === undefined ? {} : { correlationId: message.correlationId }),
    ...(message.ttl === undefined ? {} : { expiresAt: now + message.ttl }),
  }
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Checks a frame that came from outside.
 * @throws CofferError TRANSPORT_BAD_FRAME
 */
export function readClientFrame(value: unknown): ClientFrame {
  const fields = object(value)
  const n = () => whole(fields, 'n')
  switch (fields.type) {
    case 'hello':
      return { type: 'hello', version: whole(fields, 'version') }
    case 'ping':
      return { type: 'ping' }
    case 'publish':
      return { type: 'publish', n: n(), queue: text(fields, 'queue'), message: message(fields.message) }
    case 'subscribe':
      return {
        type: 'subscribe',
        n: n(),
        subscription: whole(fields, 'subscription'),
        queue: text(fields, 'queue'),
        prefetch: whole(fields, 'prefetch'),
      }
    case 'cancel':
      return { type: 'cancel', n: n(), subscription: whole(fields, 'subscription') }
    case 'ack':
    case 'requeue':
      return { type: fields.type, deliveries: numbers(fields, 'deliveries') }
    case 'createGuest':
      return {
        type: 'createGuest',
        n: n(),
        instanceId: text(fields, 'instanceId'),
        secret: text(fields, 'secret'),
      }
    case 'deleteGuest':
      return { type: 'deleteGuest', n: n(), instanceId: text(fields, 'instanceId') }
    case 'listGuests':
      return { type: 'listGuests', n: n() }
    default:
      throw badFrame('a frame of an unknown type')
  }
}

/**
 * Checks what the hub sent as far as this side relies on it; the hub is authenticated.
 * @throws CofferError TRANSPORT_BAD_FRAME
 */
export function readHubFrame(value: unknown): HubFrame {
  const fields = object(value)
  if (typeof fields.type !== 'string') throw badFrame('a frame without a type')
  return fields as unknown as HubFrame
}

function message(value: unknown): WireMessage {
  const fields = object(value)
  if (typeof fields.persistent !== 'boolean') throw badFrame('persistent must be true or false')
  const id = text(fields, 'id')
  if (id === '' || id.length > 255) throw badFrame('an id must have 1 to 255 characters')
  return {
    id,
    body: text(fields, 'body'),
    persistent: fields.persistent,
    ...(fields.replyTo === undefined ? {} : { replyTo: text(fields, 'replyTo') }),
    ...(fields.correlationId === undefined ? {} : { correlationId: text(fields, 'correlationId') }),
    ...(fields.ttl === undefined ? {} : { ttl: positive(fields, 'ttl') }),
  }
}

function object(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw badFrame('a frame must be an object')
  return value as Fields
}

function text(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw badFrame(`${name} must be a text`)
  return value
}

function whole(fields: Fields, name: string): number {
  const value = fields[name]
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw badFrame(`${name} must be a whole number`)
  return value as number
}

function positive(fields: Fields, name: string): number {
  const value = fields[name]
  if (typeof value !== 'number' || !(value >= 0)) throw badFrame(`${name} must be a number of milliseconds`)
  return value
}

function numbers(fields: Fields, name: string): readonly number[] {
  const value = fields[name]
  if (!Array.isArray(value) || !value.every((item) => Number.isSafeInteger(item))) {
    throw badFrame(`${name} must be a list of numbers`)
  }
  return value as number[]
}
