import type { GuestDatabase } from '../../../rpc/guest-methods.ts'
import { badRequest, databaseExists, databaseNotFound } from '../../errors.ts'
import { afterMarker, pageOf } from '../../page.ts'
import type { DatabaseRole } from '../../types.ts'
import { type Connection, rows, type WithConnection } from './connection.ts'
import { identifier } from './names.ts'

/** Databases that belong to the server (contract §7.4, ignore_dbs). */
const OWN = ['information_schema', 'mysql', 'performance_schema', 'sys', 'lost+found', '#mysql50#lost+found']

/** Whether a name is one of the server's own databases. */
export const isOwnDatabase = (name: string): boolean => OWN.includes(name.toLowerCase())

/**
 * Databases of a server of the MySQL family.
 *
 * @param flush makes sure that new databases survive a power cut
 */
export function databaseRole(withConnection: WithConnection, flush: () => Promise<void>): DatabaseRole {
  return {
    create: (databases) =>
      withConnection(async (connection) => {
        for (const { _name } of databases) {
          if (isOwnDatabase(_name)) throw badRequest(`'${_name}' is not a valid database name.`)
          if (await databaseIsThere(connection, _name)) throw databaseExists(_name)
        }
        for (const database of databases) await connection.query(...creation(database))
        await flush()
      }),

    delete: ({ _name }) =>
      withConnection(async (connection) => {
        if (isOwnDatabase(_name) || !(await databaseIsThere(connection, _name))) throw databaseNotFound(_name)
        await connection.query('DROP DATABASE ?', [identifier(_name)])
      }),

    list: (page) =>
      withConnection(async (connection) => {
        const found = await rows<GuestDatabase>(
          connection,
          `SELECT SCHEMA_NAME AS _name, DEFAULT_CHARACTER_SET_NAME AS _character_set,
                  DEFAULT_COLLATION_NAME AS _collate
             FROM information_schema.SCHEMATA
            WHERE SCHEMA_NAME NOT IN (?) AND CAST(SCHEMA_NAME AS BINARY) ${afterMarker(page)} CAST(? AS BINARY)
            ORDER BY CAST(SCHEMA_NAME AS BINARY) LIMIT ?`,
          [OWN, page.marker ?? '', page.limit + 1],
        )
        return pageOf(found.map(plain), page.limit, ({ _name }) => _name)
      }),
  }
}

/** Whether a database of exactly this name exists. */
export async function databaseIsThere(connection: Connection, name: string): Promise<boolean> {
  const found = await rows(
    connection,
    'SELECT 1 FROM information_schema.SCHEMATA WHERE CAST(SCHEMA_NAME AS BINARY) = CAST(? AS BINARY)',
    [name],
  )
  return found.length > 0
}

function creation({ _name, _character_set, _collate }: GuestDatabase): [string, unknown[]] {
  const characterSet = _character_set === undefined ? [] : [_character_set]
  const collate = _collate === undefined ? [] : [_collate]
  const clauses = `${characterSet.map(() => ' CHARACTER SET ?')}${collate.map(() => ' COLLATE ?')}`
  return [`CREATE DATABASE ?${clauses}`, [identifier(_name), ...characterSet, ...collate]]
}

const plain = ({ _name, _character_set, _collate }: GuestDatabase): GuestDatabase => ({
  _name,
  ...(_character_set == null ? {} : { _character_set }),
  ...(_collate == null ? {} : { _collate }),
})
