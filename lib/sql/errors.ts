import { CofferError } from '../errors.ts'
import { withoutPassword } from './url.ts'

// SQLite: result codes; the low byte is the primary one (sqlite.org/rescode.html).
const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
/** READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB: the file, or the disk under it, is at fault. */
const SQLITE_UNUSABLE: readonly number[] = [8, 10, 11, 13, 14, 26]
const SQLITE_UNIQUE: readonly number[] = [1555, 2067]
// The second is SQLITE_CONSTRAINT_TRIGGER, which an immediate ON DELETE RESTRICT gives.
const SQLITE_FOREIGN_KEY: readonly number[] = [787, 1811]

// MySQL and MariaDB: numbers of the server's error list.
const ER_DUPLICATE_ENTRY = 1062
const ER_NO_SUCH_TABLE = 1146
const ER_ROW_IS_REFERENCED = 1451
const ER_LOCK_WAIT_TIMEOUT = 1205
const ER_DEADLOCK = 1213
const UNREACHABLE: readonly string[] = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'PROTOCOL_CONNECTION_LOST',
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
  'ER_NORMAL_SHUTDOWN',
  // A Galera node that is not (or no longer) part of its cluster.
  'ER_UNKNOWN_COM_ERROR',
]

function property(error: unknown, name: 'errcode' | 'errno' | 'code'): unknown {
  return error instanceof Error ? (error as unknown as Record<string, unknown>)[name] : undefined
}

/** Another connection holds the lock: SQLite only. */
export function isLocked(error: unknown): boolean {
  const code = property(error, 'errcode')
  return typeof code === 'number' && [SQLITE_BUSY, SQLITE_LOCKED].includes(code & 0xff)
}

/** The server rolled the transaction back (or one statement of it); the same transaction may succeed now. */
export function isDeadlock(error: unknown): boolean {
  const number = property(error, 'errno')
  return number === ER_DEADLOCK || number === ER_LOCK_WAIT_TIMEOUT
}

/** A row with this key exists. */
export function isDuplicate(error: unknown): boolean {
  const code = property(error, 'errcode')
  return (
    (typeof code === 'number' && SQLITE_UNIQUE.includes(code)) ||
    property(error, 'errno') === ER_DUPLICATE_ENTRY
  )
}

/** Another row points to the one that was to be deleted. */
export function isReferenced(error: unknown): boolean {
  const code = property(error, 'errcode')
  return (
    (typeof code === 'number' && SQLITE_FOREIGN_KEY.includes(code)) ||
    property(error, 'errno') === ER_ROW_IS_REFERENCED
  )
}

export function isMissingTable(error: unknown): boolean {
  if (property(error, 'errno') === ER_NO_SUCH_TABLE) return true
  return property(error, 'errcode') === 1 && /^no such table/.test((error as Error).message)
}

/** The database cannot be reached, opened or written (a full disk), which may pass. */
export function isUnreachable(error: unknown): boolean {
  const code = property(error, 'errcode')
  if (typeof code === 'number') return SQLITE_UNUSABLE.includes(code & 0xff)
  return UNREACHABLE.includes(String(property(error, 'code')))
}

/** What callers see when {@link isUnreachable}. */
export function unavailable(url: string, cause: unknown): CofferError {
  const reason =
    cause instanceof Error && cause.message !== '' ? cause.message : String(property(cause, 'code'))
  return new CofferError(
    'DATABASE_UNAVAILABLE',
    `The database ${withoutPassword(url)} cannot be used: ${reason}`,
    {
      hint: 'Check that the server runs or the disk of the file has room, and that this account may use the database; the option is [database] connection.',
      retryable: true,
      cause,
    },
  )
}
