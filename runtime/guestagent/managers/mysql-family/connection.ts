import type { Connection, ConnectionOptions, RowDataPacket } from 'mysql2/promise'
import { CofferError } from '../../../../lib/errors.ts'
import { badRequest, guestError } from '../../errors.ts'

export type { Connection } from 'mysql2/promise'

/** How the agent reaches the server: over its local socket, as the system's root. */
export interface SocketAccess {
  readonly socketPath: string
  /** Default `root`. */
  readonly user?: string
}

/** Opens a connection for one piece of work and closes it. Errors come out as faults. */
export type WithConnection = <T>(work: (connection: Connection) => Promise<T>) => Promise<T>

/** Loads the client. That costs an emulated processor a moment which the agent's start does not have. */
export const loadClient = () => import('mysql2/promise')

/**
 * The door to a server of the MySQL family.
 *
 * @throws CofferError `GUEST_ERROR` (retryable) when the server does not answer, `BAD_REQUEST` for a value it refuses.
 */
export function connectionTo(access: SocketAccess, connectTimeout = 8000): WithConnection {
  return async (work) => {
    const { createConnection } = await loadClient()
    let connection: Connection | undefined
    try {
      connection = await createConnection(optionsFor(access, connectTimeout))
      // The escaping of values below relies on backslashes, whatever the server's configuration says.
      // Statements hold passwords, and the server's logs are no place for them.
      await connection.query(SESSION)
      return await work(connection)
    } catch (error) {
      throw faultOf(error)
    } finally {
      connection?.destroy()
    }
  }
}

const SESSION =
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES', SESSION wait_timeout = 600, SESSION sql_log_off = ON, SESSION long_query_time = 31536000"

const nothing = () => Buffer.alloc(0)

function optionsFor(access: SocketAccess, connectTimeout: number): ConnectionOptions {
  return {
    socketPath: access.socketPath,
    user: access.user ?? 'root',
    charset: 'utf8mb4_bin',
    connectTimeout,
    supportBigNumbers: true,
    // The kernel tells the server who we are: these plug-ins want no word from the client.
    authPlugins: { auth_socket: () => nothing, unix_socket: () => nothing },
  }
}

/** The rows of a statement. */
export async function rows<T>(
  connection: Connection,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly T[]> {
  const [found] = await connection.query<RowDataPacket[]>(sql, [...values])
  return found as unknown as readonly T[]
}

/** Codes of errors whose cause is a value that the caller gave. */
const VALUE_ERRORS = new Set([
  'ER_UNKNOWN_CHARACTER_SET',
  'ER_UNKNOWN_COLLATION',
  'ER_COLLATION_CHARSET_MISMATCH',
  'ER_WRONG_STRING_LENGTH',
  'ER_WRONG_DB_NAME',
  'ER_TOO_LONG_IDENT',
  'ER_NOT_VALID_PASSWORD',
  'ER_INVALID_CHARACTER_STRING',
  'ER_CANNOT_USER',
])

const DOWN = /^(ECONN|ENOENT|EPIPE|ETIMEDOUT|PROTOCOL_|ER_SERVER_SHUTDOWN|ER_CON_COUNT)/

function faultOf(error: unknown): Error {
  if (!(error instanceof Error) || !('code' in error) || error instanceof CofferError) {
    return error instanceof Error ? error : new Error(String(error))
  }
  const code = String(error.code)
  if (DOWN.test(code)) {
    const down = guestError('the database does not answer')
    return new CofferError(down.code, down.message, { retryable: true })
  }
  if (VALUE_ERRORS.has(code)) return badRequest(error.message)
  // A syntax error repeats a part of the statement, and that may be a password.
  return guestError(code === 'ER_PARSE_ERROR' ? `the database did not understand: ${code}` : error.message)
}
