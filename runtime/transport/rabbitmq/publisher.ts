import type { Message } from 'amqplib'
import type { Clock } from '../../../lib/clock.ts'
import { aborted, closed, noQueue, queueFull, refused, tooLarge } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import { type EventLog, reasonOf } from '../log.ts'
import { guestOfQueue, isReplyQueue, queueName } from '../names.ts'
import type { Envelope, Principal, QueueName } from '../types.ts'
import type { Answers } from './answers.ts'
import { writeOptions } from './message.ts'
import { outExchange } from './topology.ts'
import { declareQueue, isCode, type Wire } from './wire.ts'

interface Publication {
  readonly queue: QueueName
  readonly envelope: Envelope
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  unroutable: boolean
}

/** Publishes with confirmations, over as many connections as it takes. */
export interface Publisher {
  readonly publish: (queue: QueueName, envelope: Envelope, signal?: AbortSignal) => Promise<void>
  /** What was not confirmed goes out again, in its order. */
  readonly opened: (wire: Wire) => void
  readonly lost: () => void
  readonly close: () => void
}

export function createPublisher(options: {
  readonly principal: Principal
  readonly answers: Answers
  readonly clock: Clock
  readonly log: EventLog
}): Publisher {
  const { principal, answers, clock, log } = options
  const publications = new Map<number, Publication>()
  const limit = principal.kind === 'guest' ? LIMITS.guestMessage : LIMITS.controlMessage
  /** Messages to a guest wait for the binding that an earlier call to it needs: none may overtake the call. */
  const turns = new Map<QueueName, Promise<void>>()
  let nextNumber = 1
  let wire: Wire | undefined
  let over = false

  /** A mandatory message that no queue took comes back before its confirmation. */
  function onReturn(message: Message): void {
    for (const publication of publications.values()) {
      const { envelope, queue } = publication
      if (envelope.id === message.properties.messageId && queue === message.fields.routingKey) {
        publication.unroutable = true
      }
    }
  }

  /** RabbitMQ names no message when it refuses one: all that are under way are told. */
  function onChannelError(error: Error): void {
    if (!isCode(error, 403)) return
    for (const { reject, queue } of [...publications.values()])
      reject(refused(`writing to the queue ${queue}`))
  }

  /** What must be there before a message is published. Undefined: nothing, publish at once. */
  function needs(on: Wire, { queue, envelope }: Publication): Promise<void> | undefined {
    if (principal.kind === 'guest') return undefined
    const { replyTo } = envelope
    const instanceId = guestOfQueue(queue)
    if (instanceId === undefined) return isReplyQueue(queue) ? undefined : declareQueue(on, queue)
    const turn = turns.get(queue)?.catch(() => undefined)
    if (replyTo === undefined) return turn
    const made = on.prepare(`binding of ${queue} to ${replyTo}`, (channel) =>
      channel.bindQueue(replyTo, outExchange(instanceId), replyTo),
    )
    const next = turn === undefined ? made : turn.then(() => made)
    turns.set(queue, next)
    return next
  }

  function transmit(on: Wire, n: number, publication: Publication): void {
    const ready = needs(on, publication)
    const failed = (error: unknown) => {
      if (wire === on) publication.reject(isCode(error, 404) ? noQueue(publication.queue) : error)
    }
    if (ready === undefined) send(on, n, publication)
    else ready.then(() => send(on, n, publication), failed)
  }

  function send(on: Wire, n: number, publication: Publication): void {
    if (wire !== on || !publications.has(n)) return
    const { queue, envelope } = publication
    const settings = writeOptions(envelope, principal, clock.now().getTime())
    if (settings === undefined) {
      publication.resolve()
      return
    }
    publication.unroutable = false
    const exchange = principal.kind === 'guest' ? outExchange(principal.instanceId) : ''
    answers.noteCall(queue, envelope)
    try {
      on.publisher.publish(exchange, queue, Buffer.from(envelope.body), settings, (error: unknown) => {
        // A connection that broke confirms nothing; the message goes out again on the next.
        if (wire === on) confirm(publication, error)
      })
    } catch (error) {
      // The channel has closed under us. The message goes out again on the next connection.
      log.debug({ queue, reason: reasonOf(error) }, 'A message could not be sent yet')
    }
  }

  function confirm({ queue, resolve, reject, unroutable }: Publication, error: unknown): void {
    if (error !== null && error !== undefined) reject(queueFull(queue))
    else if (!unroutable) resolve()
    else if (principal.kind === 'guest') reject(refused(`writing to the queue ${queue}`))
    else reject(noQueue(queue))
  }

  return {
    async publish(text, envelope, signal) {
      if (over) throw closed()
      if (signal?.aborted === true) throw aborted()
      if (Buffer.byteLength(envelope.body) > limit) throw tooLarge(limit)
      const queue = queueName(text)
      await new Promise<void>((resolve, reject) => {
        const n = nextNumber++
        const done = () => {
          publications.delete(n)
          signal?.removeEventListener('abort', onAbort)
        }
        const onAbort = () => publication.reject(aborted())
        const publication: Publication = {
          queue,
          envelope,
          unroutable: false,
          resolve() {
            done()
            resolve()
          },
          reject(error) {
            done()
            reject(error)
          },
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        publications.set(n, publication)
        if (wire !== undefined) transmit(wire, n, publication)
      })
    },
    opened(opened) {
      wire = opened
      turns.clear()
      opened.publisher.on('return', onReturn)
      opened.publisher.on('error', onChannelError)
      for (const [n, publication] of [...publications]) transmit(opened, n, publication)
    },
    lost() {
      wire = undefined
    },
    close() {
      over = true
      for (const { reject } of [...publications.values()]) reject(closed())
    },
  }
}
