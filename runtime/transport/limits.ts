/** How much the brokers keep and take: one table for both members. */
export const LIMITS = {
  /** Bytes of one message with its frame, from a control process. */
  controlMessage: 16 * 1024 * 1024,
  /** Bytes of one message with its frame, from a guest. */
  guestMessage: 1024 * 1024,
  /** Messages waiting in one queue. */
  queueMessages: 20_000,
  /** Bytes of the bodies waiting in one queue. */
  queueBytes: 64 * 1024 * 1024,
  /** Messages of one guest waiting in one queue: a guest that floods the conductor crowds out itself only. */
  guestMessages: 256,
  /** Bytes of one guest's messages waiting in one queue. */
  guestBytes: 4 * 1024 * 1024,
  /** Deliveries that one subscription may hold unacknowledged. */
  prefetch: 1024,
  /** Subscriptions of one connection. */
  subscriptions: 64,
  /** Connections of one guest at a time: an agent needs one, and a second while the first dies. The oldest gives way. */
  guestConnections: 4,
  /** Milliseconds that a reply queue outlives the loss of its reader. */
  replyQueueMs: 60_000,
} as const
