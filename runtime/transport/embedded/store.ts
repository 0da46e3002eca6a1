import type { MessageRepository, StoredMessage } from '../../db/types.ts'

export type { StoredMessage }

/** Where persistent messages are kept. A store that can write many in one transaction says so by `putAll`. */
export interface MessageStore extends MessageRepository {
  /** All or none, in this order; idempotent by id. */
  readonly putAll?: (messages: readonly StoredMessage[]) => Promise<void>
}

/** Seals what is written to the store: message bodies hold passwords. */
export interface Sealer {
  readonly seal: (text: string) => string
  readonly open: (sealed: string) => string
}
