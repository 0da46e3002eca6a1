import type { GuestDatabase } from '../../../rpc/guest-methods.ts'
import { badRequest, databaseNotFound } from '../../errors.ts'
import type { AccessRole } from '../../types.ts'
import type { Client, WithClient } from './connection.ts'
import { databaseIsThere, isOwnDatabase } from './databases.ts'

/** Which databases a role may use. Hosts mean nothing here: pg_hba.conf lets every address try. */
export function accessRole(
  withClient: WithClient,
  required: (client: Client, name: string) => Promise<void>,
): AccessRole {
  return {
    list: (name) =>
      withClient(async (client) => {
        await required(client, name)
        return accessOf(client, name)
      }),

    grant: async (name, _host, databases) => {
      await withClient((client) => required(client, name))
      await grantAll(withClient, name, databases)
    },

    revoke: async (name, _host, database) => {
      await withClient(async (client) => {
        await required(client, name)
        const granted = await accessOf(client, name)
        if (!granted.some(({ _name }) => _name === database)) throw databaseNotFound(database)
        const [role, target] = [client.escapeIdentifier(name), client.escapeIdentifier(database)]
        await client.query(`REVOKE ALL ON DATABASE ${target} FROM ${role}`)
      })
      await withClient(
        (client) => client.query(statements('REVOKE', 'FROM', client.escapeIdentifier(name))),
        database,
      )
    },
  }
}

/** Gives a role everything in databases that exist: they may connect, and use what is in the schema `public`. */
export async function grantAll(
  withClient: WithClient,
  name: string,
  databases: readonly string[],
): Promise<void> {
  await withClient(async (client) => {
    for (const database of databases) {
      if (isOwnDatabase(database)) throw badRequest(`'${database}' is not a valid database name.`)
      if (!(await databaseIsThere(client, database))) throw databaseNotFound(database)
    }
    for (const database of databases) {
      const [role, target] = [client.escapeIdentifier(name), client.escapeIdentifier(database)]
      await client.query(`GRANT ALL ON DATABASE ${target} TO ${role}`)
    }
  })
  for (const database of databases) {
    await withClient(
      (client) => client.query(statements('GRANT', 'TO', client.escapeIdentifier(name))),
      database,
    )
  }
}

/** The databases that a role was given, sorted. */
export async function accessOf(client: Client, name: string): Promise<readonly GuestDatabase[]> {
  const found = await client.query<GuestDatabase>(
    `SELECT DISTINCT datname::text COLLATE "C" AS "_name"
       FROM pg_database, aclexplode(datacl) AS grants, pg_roles
      WHERE grants.grantee = pg_roles.oid AND grants.privilege_type = 'CONNECT' AND rolname::text = $1
      ORDER BY 1`,
    [name],
  )
  return found.rows
}

const statements = (verb: 'GRANT' | 'REVOKE', preposition: 'TO' | 'FROM', role: string): string =>
  [
    'SCHEMA public',
    'ALL TABLES IN SCHEMA public',
    'ALL SEQUENCES IN SCHEMA public',
    'ALL ROUTINES IN SCHEMA public',
  ]
    .map((what) => `${verb} ALL ON ${what} ${preposition} ${role};`)
    .join(' ')
