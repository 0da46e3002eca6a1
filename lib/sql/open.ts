import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Kysely, sql } from 'kysely'
import { CofferError } from '../errors.ts'
import { retry } from '../retry.ts'
import { isDeadlock, isUnreachable, unavailable } from './errors.ts'
import { mysqlDialect } from './mysql.ts'
import { insideTransaction, type RunningTransaction, sqliteDialect } from './sqlite.ts'
import { translating } from './translate.ts'
import type { Sql, SqlEngine, SqlScope } from './types.ts'
import { MEMORY, parseSqlUrl } from './url.ts'

const DEADLOCK_TRIES = 8
/** How long a statement waits for another process to end its transaction, in milliseconds. */
const LOCK_PATIENCE = 10_000

/**
 * Opens a database and makes sure that it answers. A SQLite file is made when it is missing, for this account's eyes only.
 *
 * @param url see {@link parseSqlUrl}
 * @param options.lockPatience milliseconds that a statement on SQLite waits for another process; then it throws DATABASE_BUSY
 * @throws CofferError DATABASE_URL_INVALID, DATABASE_UNAVAILABLE (retryable)
 */
export async function openSql<DB>(
  url: string,
  { lockPatience = LOCK_PATIENCE }: { readonly lockPatience?: number } = {},
): Promise<Sql<DB>> {
  const target = parseSqlUrl(url)
  if (target.engine === 'sqlite' && target.path !== MEMORY) await ensureFile(url, target.path)
  const dialect =
    target.engine === 'sqlite' ? sqliteDialect(target.path, lockPatience) : await mysqlDialect(target)
  const db = new Kysely<DB>({
    dialect: translating(dialect, (error) => (isUnreachable(error) ? unavailable(url, error) : error)),
  })
  try {
    await sql`select 1`.execute(db)
  } catch (error) {
    await db.destroy().catch(() => undefined)
    throw error instanceof CofferError ? error : unavailable(url, error)
  }
  return { ...scope(db, target.engine), close: () => db.destroy() }
}

function scope<DB>(db: Kysely<DB>, engine: SqlEngine): SqlScope<DB> {
  return {
    engine,
    db,
    transaction: (work) =>
      retry(() => db.transaction().execute((inside) => runInside(joined(inside, engine), work)), {
        attempts: DEADLOCK_TRIES,
        delayMs: 5,
        when: isDeadlock,
      }),
  }
}

/** Inside a transaction, another one is a part of it. */
function joined<DB>(db: Kysely<DB>, engine: SqlEngine): SqlScope<DB> {
  const inside: SqlScope<DB> = { engine, db, transaction: (work) => work(inside) }
  return inside
}

async function runInside<DB, T>(
  inside: SqlScope<DB>,
  work: (inside: SqlScope<DB>) => Promise<T>,
): Promise<T> {
  const running: RunningTransaction = { active: true }
  try {
    return await insideTransaction.run(running, () => work(inside))
  } finally {
    running.active = false
  }
}

async function ensureFile(url: string, path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    // SQLite gives its other files the permissions of this one.
    await (await open(path, 'a', 0o600)).close()
  } catch (error) {
    throw unavailable(url, error)
  }
}
