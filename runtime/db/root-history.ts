import { fromSqlTime, insertMany } from '../../lib/sql/index.ts'
import { type DbScope, now } from './scope.ts'
import type { RootHistoryRepository } from './types.ts'

export function rootHistoryRepository(scope: DbScope): RootHistoryRepository {
  return {
    report: async (instanceId, user) => {
      await insertMany(scope.sql, {
        table: 'root_enabled_history',
        key: ['id'],
        rows: [{ id: instanceId, user, created: now(scope) }],
      })
    },
    get: async (instanceId) => {
      const row = await scope.sql.db
        .selectFrom('root_enabled_history')
        .select(['user', 'created'])
        .where('id', '=', instanceId)
        .executeTakeFirst()
      return row === undefined ? undefined : { user: row.user, created: fromSqlTime(row.created) }
    },
  }
}
