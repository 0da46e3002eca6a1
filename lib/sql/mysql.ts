import { readFile } from 'node:fs/promises'
import { CompiledQuery, type Dialect, MysqlDialect } from 'kysely'
import type { SqlTarget } from './url.ts'

/**
 * What each connection is told, whatever the server's own settings are: strict values, UTC, no backslash surprises, and
 * READ COMMITTED, under which statements see what is committed and take no locks on gaps.
 */
const SESSION = [
  "set session sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE'",
  "set session time_zone = '+00:00'",
  'set session transaction isolation level read committed',
  'set session group_concat_max_len = 1048576',
]

/** Kysely's dialect for MySQL 8 and MariaDB 10.6 or newer. Rows have text for times and numbers for integers. */
export async function mysqlDialect(target: Extract<SqlTarget, { engine: 'mysql' }>): Promise<Dialect> {
  // Read here, since most installations never need it.
  const { createPool } = await import('mysql2')
  const { host, port, user, password, database, socket, authority } = target
  const pool = createPool({
    ...(socket === undefined ? { host, port } : { socketPath: socket }),
    ...(authority === undefined ? {} : { ssl: { ca: await readFile(authority, 'utf8') } }),
    user,
    password,
    database,
    charset: 'utf8mb4',
    timezone: 'Z',
    dateStrings: true,
    supportBigNumbers: true,
    connectionLimit: 10,
    // `affectedRows` counts the rows that matched, also those that had the value already, as SQLite does.
    flags: ['FOUND_ROWS'],
    connectTimeout: 10_000,
    enableKeepAlive: true,
  })
  return new MysqlDialect({
    pool,
    onCreateConnection: async (connection) => {
      for (const statement of SESSION) await connection.executeQuery(CompiledQuery.raw(statement))
    },
  })
}
