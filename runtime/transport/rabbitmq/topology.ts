import { LIMITS } from '../limits.ts'
import { isReplyQueue } from '../names.ts'
import type { QueueName } from '../types.ts'

/** The exchange that only this guest may write to: what comes through it is from this guest, whatever it says. */
export const outExchange = (instanceId: string): string => `out.${instanceId}`

/** The guest of an exchange, or undefined: the default exchange is for control processes only. */
export function guestOfExchange(exchange: string): string | undefined {
  return exchange.startsWith('out.') ? exchange.slice('out.'.length) : undefined
}

export const guestUser = (instanceId: string): string => `guest-${instanceId}`

/** The guest of a user name, or undefined for a control process. */
export function guestOfUser(user: string): string | undefined {
  return user.startsWith('guest-') ? user.slice('guest-'.length) : undefined
}

/**
 * Arguments of a queue. They are part of its identity: another process that declares it with others is refused.
 * A full queue refuses what is published; a reply queue ends a while after its reader.
 */
export function queueArguments(queue: QueueName): Readonly<Record<string, string | number>> {
  const bounds = {
    'x-max-length': LIMITS.queueMessages,
    'x-max-length-bytes': LIMITS.queueBytes,
    'x-overflow': 'reject-publish',
  }
  return isReplyQueue(queue) ? { ...bounds, 'x-expires': LIMITS.replyQueueMs } : bounds
}

/**
 * What a guest's user may do, as patterns over the names of queues and exchanges: make nothing, write to its own exchange,
 * read its own queue. The default exchange reaches every queue and is called `amq.default` here; no pattern has it.
 */
export function guestPermissions(instanceId: string): {
  readonly configure: string
  readonly write: string
  readonly read: string
} {
  const escaped = instanceId.replace(/[^A-Za-z0-9]/g, '\\$&')
  return { configure: '^$', write: `^out\\.${escaped}$`, read: `^guestagent\\.${escaped}$` }
}
