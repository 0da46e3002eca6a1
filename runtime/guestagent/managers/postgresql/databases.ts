import type { GuestDatabase } from '../../../rpc/guest-methods.ts'
import { badRequest, databaseExists, databaseNotFound } from '../../errors.ts'
import { afterMarker, pageOf } from '../../page.ts'
import type { DatabaseRole } from '../../types.ts'
import type { Client, WithClient } from './connection.ts'

/** Databases that belong to the server (contract §7.4, ignore_dbs). */
const OWN = ['postgres', 'template0', 'template1']

/** PostgreSQL cuts longer names off in silence; in bytes. */
export const MAX_NAME = 63

/** @throws CofferError `BAD_REQUEST` */
export function checkName(name: string, what: string): void {
  if (Buffer.byteLength(name) > MAX_NAME)
    throw badRequest(`The ${what} name is longer than ${MAX_NAME} bytes.`)
}

/** Whether a name is one of the server's own databases. */
export const isOwnDatabase = (name: string): boolean => OWN.includes(name)

/** Databases of a PostgreSQL server. Nobody but the superuser and who was given access gets into one. */
export function databaseRole(withClient: WithClient): DatabaseRole {
  return {
    create: (databases) =>
      withClient(async (client) => {
        for (const { _name } of databases) {
          checkName(_name, 'database')
          if (isOwnDatabase(_name)) throw badRequest(`'${_name}' is not a valid database name.`)
          if (await databaseIsThere(client, _name)) throw databaseExists(_name)
        }
        for (const database of databases) await createDatabase(client, database)
      }),

    delete: ({ _name }) =>
      withClient(async (client) => {
        if (isOwnDatabase(_name) || !(await databaseIsThere(client, _name))) throw databaseNotFound(_name)
        await client.query(`DROP DATABASE ${client.escapeIdentifier(_name)} WITH (FORCE)`)
      }),

    list: (page) =>
      withClient(async (client) => {
        const found = await client.query<GuestDatabase>(
          `SELECT datname::text AS "_name", pg_encoding_to_char(encoding) AS "_character_set", datcollate AS "_collate"
             FROM pg_database
            WHERE NOT datistemplate AND datname <> ALL ($1) AND datname::text COLLATE "C" ${afterMarker(page)} $2
            ORDER BY datname::text COLLATE "C" LIMIT $3`,
          [OWN, page.marker ?? '', page.limit + 1],
        )
        return pageOf(found.rows, page.limit, ({ _name }) => _name)
      }),
  }
}

/** Whether a database of exactly this name exists. */
export async function databaseIsThere(client: Client, name: string): Promise<boolean> {
  const found = await client.query('SELECT 1 FROM pg_database WHERE datname::text = $1', [name])
  return found.rows.length > 0
}

async function createDatabase(
  client: Client,
  { _name, _character_set, _collate }: GuestDatabase,
): Promise<void> {
  const name = client.escapeIdentifier(_name)
  const locale = _collate === undefined ? '' : client.escapeLiteral(_collate)
  const options = [
    ...(_character_set === undefined ? [] : [`ENCODING ${client.escapeLiteral(_character_set)}`]),
    ...(_collate === undefined ? [] : [`LC_COLLATE ${locale} LC_CTYPE ${locale}`]),
    // The other template may hold texts that do not fit another encoding or order.
    ...(_character_set === undefined && _collate === undefined ? [] : ['TEMPLATE template0']),
  ]
  await client.query(`CREATE DATABASE ${name} ${options.join(' ')}`)
  // By default every user may connect to every database.
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`)
}
