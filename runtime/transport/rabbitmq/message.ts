import type { Message, Options } from 'amqplib'
import { LIMITS } from '../limits.ts'
import { queueName } from '../names.ts'
import type { Envelope, Principal } from '../types.ts'
import { guestOfExchange } from './topology.ts'

/** Header with the name of the control process that sent a message. Believed only where guests cannot write. */
const SENDER = 'coffer-sender'

/** How an envelope travels. Undefined when it has expired. */
export function writeOptions(
  envelope: Envelope,
  sender: Principal,
  now: number,
): Options.Publish | undefined {
  const { id, replyTo, correlationId, expiresAt, persistent } = envelope
  const left = expiresAt === undefined ? undefined : Math.ceil(expiresAt - now)
  if (left !== undefined && left <= 0) return undefined
  return {
    messageId: id,
    persistent,
    mandatory: true,
    contentType: 'application/json',
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(left === undefined ? {} : { expiration: left }),
    ...(sender.kind === 'control' ? { headers: { [SENDER]: sender.name } } : {}),
  }
}

/** Proven by the exchange: RabbitMQ lets a guest write to its own only, and control processes write to the default one. */
export function senderOf(message: Message): Principal {
  const instanceId = guestOfExchange(message.fields.exchange)
  if (instanceId !== undefined) return { kind: 'guest', instanceId }
  const name: unknown = message.properties.headers?.[SENDER]
  return { kind: 'control', name: typeof name === 'string' ? name : 'unknown' }
}

/**
 * The envelope in a message; undefined when its sender may not send such a one: too large, or a guest's call, whose answer
 * would be written with more rights than the guest has.
 */
export function readMessage(message: Message, sender: Principal, now: number): Envelope | undefined {
  const { messageId, replyTo, correlationId, expiration, deliveryMode } = message.properties
  if (typeof messageId !== 'string') return undefined
  if (sender.kind === 'guest' && (replyTo !== undefined || message.content.length > LIMITS.guestMessage)) {
    return undefined
  }
  return {
    id: messageId,
    body: message.content.toString('utf8'),
    persistent: deliveryMode === 2,
    ...(typeof replyTo === 'string' ? { replyTo: queueName(replyTo) } : {}),
    ...(typeof correlationId === 'string' ? { correlationId } : {}),
    // What was left of it at publishing: RabbitMQ drops it in time, this is its upper bound.
    ...(expiration === undefined ? {} : { expiresAt: now + Number(expiration) }),
  }
}
