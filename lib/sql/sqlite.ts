import { AsyncLocalStorage } from 'node:async_hooks'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { systemClock } from '../clock.ts'
import { CofferError } from '../errors.ts'
import { isLocked } from './errors.ts'

/** Time that the thread itself may stand still for a lock: a commit elsewhere takes about this long. */
const SYNC_PATIENCE = 5
/** Prepared statements kept. Lists of varying length make many different ones. */
const STATEMENTS = 256

/** A transaction that runs now, as its own continuations see it. */
export interface RunningTransaction {
  active: boolean
}

/** Tells a statement outside of a transaction that it was started from inside of one, where it would wait for ever. */
export const insideTransaction = new AsyncLocalStorage<RunningTransaction>()

/**
 * Kysely's dialect for Node's own SQLite: no native add-on.
 *
 * WAL, so that readers never wait for a writer. `synchronous` is FULL: what the API acknowledged with 200 is on the disk
 * when the power fails; with NORMAL the last transactions would be gone. Heartbeats, the only frequent writes, come in
 * batches, so one fsync each is cheap.
 *
 * @param path of the file, or `:memory:`
 * @param patience milliseconds that a statement waits for another process to end its transaction
 */
export function sqliteDialect(path: string, patience: number): Dialect {
  return {
    createAdapter: () => new TransactionalAdapter(),
    createDriver: () => new SqliteDriver(path, patience),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

/** Kysely does not count on it, but SQLite's transactions hold changes of tables too: that is what keeps migrations apart. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class SqliteDriver implements Driver {
  readonly #path: string
  readonly #patience: number
  readonly #waiting: (() => void)[] = []
  #connection: SqliteConnection | undefined
  #taken = false

  constructor(path: string, patience: number) {
    this.#path = path
    this.#patience = patience
  }

  async init(): Promise<void> {
    const db = new DatabaseSync(this.#path, { enableForeignKeyConstraints: true, timeout: this.#patience })
    db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma temp_store = memory')
    db.exec(`pragma busy_timeout = ${SYNC_PATIENCE}`)
    this.#connection = new SqliteConnection(db, this.#patience)
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#connection === undefined) throw new Error('The SQLite driver was not started')
    if (this.#taken) {
      if (insideTransaction.getStore()?.active === true) {
        throw new Error('A statement inside a transaction must use the scope that the transaction gave')
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#taken = true
    return this.#connection
  }

  async releaseConnection(): Promise<void> {
    const next = this.#waiting.shift()
    if (next === undefined) this.#taken = false
    else next()
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // Takes the write lock now. A lock that is asked for in the middle cannot be waited for: the snapshot would be stale.
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // Some errors (a full disk) roll back by themselves.
    if (this.#connection?.inTransaction() === true)
      await connection.executeQuery(CompiledQuery.raw('rollback'))
  }

  async destroy(): Promise<void> {
    this.#connection?.close()
    this.#connection = undefined
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #db: DatabaseSync
  readonly #patience: number
  readonly #statements = new Map<string, { readonly statement: StatementSync; readonly reads: boolean }>()

  constructor(db: DatabaseSync, patience: number) {
    this.#db = db
    this.#patience = patience
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const deadline = Date.now() + this.#patience
    for (;;) {
      try {
        return this.#run<R>(query)
      } catch (error) {
        if (!isLocked(error) || this.#db.isTransaction) throw error
        if (Date.now() > deadline) {
          throw new CofferError('DATABASE_BUSY', 'Another process has locked the database for too long', {
            hint: 'Look for a program that holds a transaction open on the SQLite file, a backup tool for example.',
            retryable: true,
            cause: error,
          })
        }
      }
      // Uneven pauses, so that processes do not wake in step.
      await systemClock.sleep(5 + Math.random() * 20)
    }
  }

  // biome-ignore lint/correctness/useYield: part of Kysely's interface; nothing here streams
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('Streaming queries is not supported')
  }

  inTransaction(): boolean {
    return this.#db.isTransaction
  }

  close(): void {
    this.#statements.clear()
    this.#db.close()
  }

  #run<R>(query: CompiledQuery): QueryResult<R> {
    const { statement, reads } = this.#prepare(query.sql)
    const values = query.parameters.map(bindable)
    if (reads) return { rows: statement.all(...values) as R[] }
    const { changes, lastInsertRowid } = statement.run(...values)
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }

  #prepare(text: string): { readonly statement: StatementSync; readonly reads: boolean } {
    const known = this.#statements.get(text)
    if (known !== undefined) {
      // Last in the order of insertion is last to go.
      this.#statements.delete(text)
      this.#statements.set(text, known)
      return known
    }
    const statement = this.#db.prepare(text)
    const entry = { statement, reads: statement.columns().length > 0 }
    this.#statements.set(text, entry)
    const [oldest] = this.#statements.keys()
    if (this.#statements.size > STATEMENTS && oldest !== undefined) this.#statements.delete(oldest)
    return entry
  }
}

/** An object as the first value would be taken for named parameters, and silently bind nothing. */
function bindable(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value === undefined) return null
  if (value === null || ['string', 'number', 'bigint'].includes(typeof value)) return value as SQLInputValue
  if (value instanceof Uint8Array) return value
  throw new TypeError(`A statement got a value of type ${typeof value}; it must be text, a number or null`)
}
