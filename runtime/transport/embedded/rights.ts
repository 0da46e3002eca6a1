import { refused } from '../errors.ts'
import { guestOfQueue, isReplyQueue } from '../names.ts'
import type { Envelope, Principal, QueueName } from '../types.ts'

/** Calls of one guest whose answers are still owed. Older ones are forgotten. */
const TICKETS = 1024

interface Ticket {
  readonly replyTo: QueueName
  /** The id of the answer that used it: the same answer may be sent again by a connection that lost the confirmation. */
  usedBy?: string
}

/** What each principal may do. A guest: read its own queue, write to the conductor, answer each call it received once. */
export interface Rights {
  /** @throws CofferError TRANSPORT_REFUSED */
  readonly checkSubscribe: (principal: Principal, queue: QueueName) => void
  /**
   * @returns true when this answer was given already, and nothing is left to do
   * @throws CofferError TRANSPORT_REFUSED
   */
  readonly checkPublish: (principal: Principal, queue: QueueName, envelope: Envelope) => boolean
  /** A call goes to a principal: it may be answered. */
  readonly noteDelivery: (principal: Principal, envelope: Envelope) => void
  readonly forget: (instanceId: string) => void
}

export function createRights(): Rights {
  const tickets = new Map<string, Map<string, Ticket>>()

  function checkReply(instanceId: string, queue: QueueName, envelope: Envelope): boolean {
    const ticket = tickets.get(instanceId)?.get(envelope.correlationId ?? '')
    if (ticket === undefined || ticket.replyTo !== queue) {
      throw refused('an answer to a call that this guest did not receive')
    }
    if (ticket.usedBy === envelope.id) return true
    if (ticket.usedBy !== undefined) throw refused('a second answer to one call')
    ticket.usedBy = envelope.id
    return false
  }

  return {
    checkSubscribe(principal, queue) {
      if (principal.kind === 'guest' && guestOfQueue(queue) !== principal.instanceId) {
        throw refused(`reading the queue ${queue}`)
      }
    },
    checkPublish(principal, queue, envelope) {
      if (principal.kind === 'control') return false
      // Whoever answers would write to that queue with more rights than the guest has.
      if (envelope.replyTo !== undefined) throw refused('a call made by a guest')
      if (isReplyQueue(queue)) return checkReply(principal.instanceId, queue, envelope)
      if (queue !== 'trove-conductor') throw refused(`writing to the queue ${queue}`)
      return false
    },
    noteDelivery(principal, envelope) {
      if (principal.kind !== 'guest' || envelope.replyTo === undefined) return
      const own = tickets.get(principal.instanceId) ?? new Map<string, Ticket>()
      tickets.set(principal.instanceId, own)
      own.delete(envelope.id)
      own.set(envelope.id, { replyTo: envelope.replyTo })
      const [oldest] = own.keys()
      if (own.size > TICKETS && oldest !== undefined) own.delete(oldest)
    },
    forget: (instanceId) => void tickets.delete(instanceId),
  }
}
