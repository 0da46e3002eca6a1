import type { Channel, Message } from 'amqplib'
import type { Clock } from '../../../lib/clock.ts'
import { noQueue, refused } from '../errors.ts'
import { type EventLog, reasonOf } from '../log.ts'
import { guestOfQueue, isReplyQueue } from '../names.ts'
import type { Delivery, Principal, QueueName } from '../types.ts'
import type { Answers } from './answers.ts'
import { readMessage, senderOf } from './message.ts'
import { closeOf, declareQueue, isCode, type Wire } from './wire.ts'

/** A subscription, over as many connections as it takes. */
export interface Reader {
  readonly queue: QueueName
  /**
   * Subscribes on a connection.
   * @throws CofferError TRANSPORT_REFUSED, TRANSPORT_NO_QUEUE; what the connection broke with
   */
  readonly attach: (wire: Wire) => Promise<void>
  readonly lost: () => void
  /** What was not acknowledged goes back. */
  readonly cancel: () => Promise<void>
}

export function createReader(options: {
  readonly principal: Principal
  readonly queue: QueueName
  readonly prefetch: number
  readonly handler: (delivery: Delivery) => void
  readonly answers: Answers
  readonly clock: Clock
  readonly log: EventLog
}): Reader {
  const { principal, queue, prefetch, handler, answers, clock, log } = options
  /** The channel whose deliveries count: what another one held has gone back to the queue. */
  let current: Channel | undefined
  let over = false

  async function attach(wire: Wire): Promise<void> {
    if (principal.kind === 'control' && guestOfQueue(queue) === undefined) await declareQueue(wire, queue)
    // A channel for each subscription: a refusal closes it, and closing it gives back what it holds.
    const channel = await wire.model.createChannel()
    let refusal: unknown
    channel.on('error', (error: Error) => {
      refusal = error
    })
    try {
      await channel.prefetch(prefetch)
      current = channel
      await channel.consume(queue, (message) => {
        if (message !== null) deliver(channel, message)
        else queueDeleted(wire)
      })
    } catch (error) {
      const why = refusal ?? error
      if (isCode(why, 403)) throw refused(`reading the queue ${queue}`)
      throw isCode(why, 404) ? noQueue(queue) : why
    }
    // It was cancelled while it was made.
    if (over) await closeOf(channel)
  }

  /** A reply queue that expired, say, is made again. A guest's queue is deleted with the guest. */
  function queueDeleted(wire: Wire): void {
    // With a queue go its bindings.
    wire.forgetPrepared()
    if (principal.kind === 'guest' || over) return
    attach(wire).catch((error: unknown) =>
      log.error({ queue, reason: reasonOf(error) }, 'A queue cannot be read'),
    )
  }

  function deliver(channel: Channel, message: Message): void {
    let settled = false
    const settle = (how: 'ack' | 'requeue') => () => {
      if (settled || current !== channel) return
      settled = true
      if (how === 'ack') channel.ack(message)
      else channel.nack(message, false, true)
    }
    const sender = senderOf(message)
    const envelope = readMessage(message, sender, clock.now().getTime())
    if (envelope === undefined || (isReplyQueue(queue) && !answers.owed(sender, envelope))) {
      log.warn({ queue, sender }, 'A message that its sender may not send was dropped')
      settle('ack')()
      return
    }
    const redelivered = message.fields.redelivered === true
    try {
      handler({ envelope, sender, redelivered, ack: settle('ack'), requeue: settle('requeue') })
    } catch (error) {
      log.error({ queue, reason: reasonOf(error) }, 'The handler of a message failed')
    }
  }

  return {
    queue,
    attach,
    lost() {
      current = undefined
    },
    async cancel() {
      over = true
      const channel = current
      current = undefined
      if (channel !== undefined) await closeOf(channel)
    },
  }
}
