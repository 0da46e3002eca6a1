import type { Client } from 'pg'
import { CofferError } from '../../../../lib/errors.ts'
import { badRequest, guestError } from '../../errors.ts'

export type { Client } from 'pg'

/** How the agent reaches the server: over its local socket; the system's root is mapped to the superuser. */
export interface SocketAccess {
  /** The directory of the socket. */
  readonly socketDirectory: string
  readonly port: number
  /** Default `postgres`. */
  readonly user?: string
}

/** Opens a connection to a database (default `postgres`) for one piece of work and closes it. Errors are faults. */
export type WithClient = <T>(work: (client: Client) => Promise<T>, database?: string) => Promise<T>

/** Loads the client. That costs an emulated processor a moment which the agent's start does not have. */
export const loadClient = () => import('pg')

/**
 * The door to a PostgreSQL server.
 *
 * @throws CofferError `GUEST_ERROR` (retryable) when the server does not answer, `BAD_REQUEST` for a value it refuses.
 */
export function clientFor(access: SocketAccess): WithClient {
  return async (work, database = 'postgres') => {
    const pg = await loadClient()
    const client = new pg.default.Client({
      host: access.socketDirectory,
      port: access.port,
      user: access.user ?? 'postgres',
      database,
      connectionTimeoutMillis: 8000,
    })
    // An error between two statements (the server goes down) comes again with the next one.
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query(SESSION.map((setting) => `SET ${setting};`).join(' '))
      return await work(client)
    } catch (error) {
      throw faultOf(error)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}

/** Statements hold passwords, and the server's log is no place for them, whatever its configuration says. */
const SESSION = [
  "log_statement = 'none'",
  "log_min_error_statement = 'panic'",
  'log_duration = off',
  'log_min_duration_statement = -1',
  'log_min_duration_sample = -1',
  'log_transaction_sample_rate = 0',
  'debug_print_parse = off',
  'debug_print_rewritten = off',
  'debug_print_plan = off',
  'standard_conforming_strings = on',
  "client_encoding = 'UTF8'",
]

/** SQLSTATEs whose cause is a value that the caller gave: wrong encodings, names and locales. */
const VALUE_ERRORS = /^(22|42602|42622|42704|42939|42P1[67]|0LP01)/

function faultOf(error: unknown): Error {
  if (!(error instanceof Error) || error instanceof CofferError) {
    return error instanceof Error ? error : new Error(String(error))
  }
  const code = 'code' in error ? String(error.code) : ''
  // Class 57P is a server that starts or stops, 08 a broken connection; without a code the socket ended.
  if (
    /^(57P|08|53300|ECONN|ENOENT|EPIPE|ETIMEDOUT)/.test(code) ||
    /terminated|timeout expired/.test(error.message)
  ) {
    const down = guestError('the database does not answer')
    return new CofferError(down.code, down.message, { retryable: true })
  }
  if (VALUE_ERRORS.test(code)) return badRequest(error.message)
  return guestError(code === '42601' ? 'the database did not understand a statement' : error.message)
}
