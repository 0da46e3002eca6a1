import type { GuestDatabase } from '../../../rpc/guest-methods.ts'
import { badRequest, databaseNotFound } from '../../errors.ts'
import type { AccessRole } from '../../types.ts'
import { type Connection, rows, type WithConnection } from './connection.ts'
import { databaseIsThere, isOwnDatabase } from './databases.ts'
import { grantPattern, identifier, unescapePattern } from './names.ts'

/** Which databases an account may use: all privileges on it, or none (contract §1.6). */
export function accessRole(
  withConnection: WithConnection,
  required: (connection: Connection, name: string, host: string) => Promise<void>,
): AccessRole {
  return {
    list: (name, host) =>
      withConnection(async (connection) => {
        await required(connection, name, host)
        return accessOf(connection, name, host)
      }),

    grant: (name, host, databases) =>
      withConnection(async (connection) => {
        await required(connection, name, host)
        await grantAll(connection, name, host, databases)
      }),

    revoke: (name, host, database) =>
      withConnection(async (connection) => {
        await required(connection, name, host)
        const granted = await patterns(connection, name, host)
        // A grant that somebody made by hand may hold the name without its backslashes.
        const pattern = granted.find((candidate) => unescapePattern(candidate) === database)
        if (pattern === undefined) throw databaseNotFound(database)
        await connection.query('REVOKE ALL PRIVILEGES ON ?.* FROM ?@?', [identifier(pattern), name, host])
      }),
  }
}

/** Gives an account all privileges on databases that exist. */
export async function grantAll(
  connection: Connection,
  name: string,
  host: string,
  databases: readonly string[],
): Promise<void> {
  for (const database of databases) {
    if (isOwnDatabase(database)) throw badRequest(`'${database}' is not a valid database name.`)
    if (!(await databaseIsThere(connection, database))) throw databaseNotFound(database)
  }
  for (const database of databases) {
    await connection.query('GRANT ALL PRIVILEGES ON ?.* TO ?@?', [grantPattern(database), name, host])
  }
}

/** The databases that an account may use, sorted. */
export async function accessOf(
  connection: Connection,
  name: string,
  host: string,
): Promise<readonly GuestDatabase[]> {
  const names = (await patterns(connection, name, host)).map(unescapePattern)
  return [...new Set(names)].sort().map((_name) => ({ _name }))
}

async function patterns(connection: Connection, name: string, host: string): Promise<readonly string[]> {
  const found = await rows<{ pattern: string }>(
    connection,
    'SELECT Db AS pattern FROM mysql.db WHERE CAST(User AS BINARY) = CAST(? AS BINARY) AND LOWER(Host) = LOWER(?)',
    [name, host],
  )
  return found.map(({ pattern }) => pattern)
}
