/**
 * Moves messages between the control plane and the guests. Members: `embedded` (a hub inside the control plane) and
 * `rabbitmq`. Every member passes the suite in test/contract/transport.
 *
 * What a member MUST keep:
 * - At least once: a persistent message that `publish` accepted is delivered until a consumer acknowledges it, across
 *   restarts of every process. A message may come twice; `rpc/` drops the copies by id.
 * - Order: messages of one sender to one queue arrive in the order of publishing, redelivered ones first.
 * - A queue exists from `createGuest` on, so that a message may wait for a guest that has not booted yet.
 * - The sender of a delivery is what the broker authenticated, never what the message says.
 * - A guest may consume its own queue, publish to the conductor, and answer a call that it received. Nothing else: an
 *   attempt is refused by the broker, and the connection may be closed for it.
 * - An expired message is dropped, not delivered.
 */

/** Who a connection speaks for. */
export type Principal =
  | { readonly kind: 'control'; readonly name: string }
  | { readonly kind: 'guest'; readonly instanceId: string }

/** `guestagent.<instance id>` is a guest's own queue; `reply.<name>` belongs to one control process (contract §4). */
export type QueueName = 'taskmanager' | 'trove-conductor' | `guestagent.${string}` | `reply.${string}`

export const guestQueue = (instanceId: string): QueueName => `guestagent.${instanceId}`

export interface Envelope {
  /** Unique; the same id again is the same message. */
  readonly id: string
  /** JSON text. */
  readonly body: string
  /** Kept across restarts of the broker until acknowledged. Calls and replies need not be. */
  readonly persistent: boolean
  /** Where an answer goes; set on calls only. */
  readonly replyTo?: QueueName
  /** On an answer: the id of the call. */
  readonly correlationId?: string
  /** Milliseconds since the epoch; the message is worthless afterwards. */
  readonly expiresAt?: number
}

export interface Delivery {
  readonly envelope: Envelope
  /** Authenticated by the broker. */
  readonly sender: Principal
  readonly redelivered: boolean
  /** The message is dealt with: it will not come again. */
  readonly ack: () => void
  /** Give the message back: it will come again, to this or another consumer. */
  readonly requeue: () => void
}

export interface Subscription {
  /** No delivery starts after this resolves. What was not acknowledged goes back to the queue. */
  readonly cancel: () => Promise<void>
}

/** A connection that mends itself: after a loss it reconnects with back-off and subscribes again. */
export interface Connection {
  /**
   * Resolves once the broker answers for the message. While disconnected it waits; `signal` ends the wait.
   * @throws CofferError TRANSPORT_REFUSED when this principal may not publish there.
   */
  readonly publish: (queue: QueueName, envelope: Envelope, signal?: AbortSignal) => Promise<void>
  /**
   * @param prefetch at most so many deliveries wait for their acknowledgement at a time
   * @throws CofferError TRANSPORT_REFUSED when this principal may not read there.
   */
  readonly subscribe: (
    queue: QueueName,
    options: { readonly prefetch: number },
    handler: (delivery: Delivery) => void,
  ) => Promise<Subscription>
  readonly connected: () => boolean
  /** Calls back at each change of `connected()`. Returns a function that stops it. */
  readonly onChange: (listener: (connected: boolean) => void) => () => void
  readonly close: () => Promise<void>
}

/** The administrator's side, for the control plane only. */
export interface TransportAdmin {
  /** The guest's queue, its credential and its rights. Idempotent; a second secret replaces the first. */
  readonly createGuest: (instanceId: string, secret: string) => Promise<void>
  /** Ends the guest's connections, then removes queue, credential and rights. Idempotent. */
  readonly deleteGuest: (instanceId: string) => Promise<void>
  /** Instance ids that have a queue or a credential: for the reconciler. */
  readonly listGuests: () => Promise<readonly string[]>
  /** The `transport_url` that goes into this guest's trove-guestagent.conf. Holds the secret. */
  readonly guestUrl: (instanceId: string, secret: string) => string
}
