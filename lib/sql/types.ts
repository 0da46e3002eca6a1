import type { Kysely } from 'kysely'

/** MySQL stands for MariaDB too. */
export type SqlEngine = 'sqlite' | 'mysql'

/** Where statements run: the database, or one transaction of it. */
export interface SqlScope<DB> {
  readonly engine: SqlEngine
  readonly db: Kysely<DB>
  /**
   * All or nothing. Inside a transaction already, the work joins it. The work may run more than once (after a deadlock),
   * so it must do nothing but SQL, and only through the scope that it is given.
   *
   * @throws CofferError DATABASE_BUSY (retryable) when the database stays locked
   */
  readonly transaction: <T>(work: (inside: SqlScope<DB>) => Promise<T>) => Promise<T>
}

export interface Sql<DB> extends SqlScope<DB> {
  readonly close: () => Promise<void>
}
