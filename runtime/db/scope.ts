import type { Clock } from '../../lib/clock.ts'
import { type SqlScope, toSqlTime } from '../../lib/sql/index.ts'
import type { RuntimeTables } from './tables.ts'

/** What every repository stands on. */
export interface DbScope {
  readonly sql: SqlScope<RuntimeTables>
  readonly clock: Clock
}

/** The same repositories inside a transaction. Joins the running one, if there is one. */
export function atomically<T>(scope: DbScope, work: (inside: DbScope) => Promise<T>): Promise<T> {
  return scope.sql.transaction((sql) => work({ ...scope, sql }))
}

/** Now, as Trove's columns store it. */
export function now({ clock }: DbScope): string {
  return toSqlTime(clock.now())
}
