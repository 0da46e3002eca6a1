import type { SelectQueryBuilder } from 'kysely'
import type { SqlScope } from './types.ts'

/**
 * A query whose rows nobody else may change until the transaction ends. SQLite needs no words for it: its transactions hold
 * the whole database.
 */
export function locked<DB, TB extends keyof DB, O>(
  { engine }: SqlScope<DB>,
  query: SelectQueryBuilder<DB, TB, O>,
): SelectQueryBuilder<DB, TB, O> {
  return engine === 'mysql' ? query.forUpdate() : query
}
