import { insertMany } from '../../lib/sql/index.ts'
import { atomically, type DbScope } from './scope.ts'
import type { MessageRepository, StoredMessage } from './types.ts'

/** Ids in one IN list. */
const CHUNK = 500

export function messageRepository(scope: DbScope): MessageRepository {
  const { db } = scope.sql
  return {
    put: (message) => insert(scope, [message]),
    putAll: (messages) => atomically(scope, (inside) => insert(inside, messages)),
    remove: async (ids) => {
      for (let from = 0; from < ids.length; from += CHUNK) {
        await db
          .deleteFrom('messages')
          .where('id', 'in', ids.slice(from, from + CHUNK))
          .execute()
      }
    },
    removeQueue: async (queue) => {
      await db.deleteFrom('messages').where('queue', '=', queue).execute()
    },
    all: () =>
      db
        .selectFrom('messages')
        .select(['id', 'queue', 'body', 'sender', 'expires_at'])
        .orderBy('seq')
        .execute(),
  }
}

async function insert(scope: DbScope, messages: readonly StoredMessage[]): Promise<void> {
  const rows = messages.map(({ id, queue, body, sender, expires_at }) => ({
    id,
    queue,
    body,
    sender,
    expires_at,
  }))
  await insertMany(scope.sql, { table: 'messages', key: ['id'], rows })
}
