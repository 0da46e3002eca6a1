import { guestOfQueue } from '../names.ts'
import type { Envelope, Principal, QueueName } from '../types.ts'

/** Calls whose answers are awaited; older ones are forgotten. */
const CALLS = 10_000

/**
 * Which answers this process is owed by which guest. A guest that was called once can write to the caller's reply queue from
 * then on, since RabbitMQ's rights know no single messages; an answer counts once, from the guest that was asked.
 */
export interface Answers {
  readonly noteCall: (queue: QueueName, envelope: Envelope) => void
  readonly owed: (sender: Principal, answer: Envelope) => boolean
}

export function createAnswers(): Answers {
  const calls = new Map<string, string>()
  return {
    noteCall(queue, envelope) {
      const instanceId = guestOfQueue(queue)
      if (instanceId === undefined || envelope.replyTo === undefined) return
      calls.set(envelope.id, instanceId)
      const [oldest] = calls.keys()
      if (calls.size > CALLS && oldest !== undefined) calls.delete(oldest)
    },
    owed(sender, answer) {
      if (sender.kind === 'control') return true
      const call = answer.correlationId ?? ''
      if (calls.get(call) !== sender.instanceId) return false
      return calls.delete(call)
    },
  }
}
