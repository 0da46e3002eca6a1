import { CofferError } from '../../lib/errors.ts'

/** This principal may not do that. Trying again does not help. */
export function refused(what: string): CofferError {
  return new CofferError('TRANSPORT_REFUSED', `The message broker refused ${what}.`, {
    hint: "A guest may read its own queue, write to the conductor and answer the calls it received. Check which guest's transport_url this process was given.",
  })
}

/** The queue is not there: its guest was deleted, or its reader has gone. */
export function noQueue(queue: string): CofferError {
  return new CofferError('TRANSPORT_NO_QUEUE', `There is no queue ${queue}.`, {
    hint: "A guest's queue exists from the creation of its instance until its deletion; a reply queue while its reader lives.",
  })
}

/** More messages wait than the broker keeps. */
export function queueFull(queue: string): CofferError {
  return new CofferError('TRANSPORT_QUEUE_FULL', `Too many messages wait in the queue ${queue}.`, {
    hint: 'See whether the process that reads this queue runs and keeps up.',
    retryable: true,
  })
}

export function tooLarge(limit: number): CofferError {
  return new CofferError('TRANSPORT_TOO_LARGE', `A message is larger than the ${limit} bytes allowed.`, {
    hint: 'Ask for less at a time, for instance with a smaller page.',
  })
}

/** The connection was closed by its owner. */
export function closed(): CofferError {
  return new CofferError('TRANSPORT_CLOSED', 'The connection to the message broker was closed.', {
    retryable: true,
  })
}

/** The caller's signal ended the wait for the broker. */
export function aborted(): CofferError {
  return new CofferError('TRANSPORT_ABORTED', 'The wait for the message broker was ended.', {
    retryable: true,
  })
}

/** The peer does not follow the protocol. */
export function badFrame(why: string): CofferError {
  return new CofferError(
    'TRANSPORT_BAD_FRAME',
    `The other side of the transport sent what is no message: ${why}.`,
    {
      hint: 'Control plane and guest agent may be of different versions, or something else listens on this port.',
    },
  )
}

/** An error that the broker answered with. */
export class BrokerError extends CofferError {
  constructor(answer: { readonly code: string; readonly message: string; readonly retryable: boolean }) {
    super(answer.code, answer.message, { retryable: answer.retryable })
    this.name = 'BrokerError'
  }
}
