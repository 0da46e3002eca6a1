import type { GuestUser } from '../../../rpc/guest-methods.ts'
import { badRequest, userExists, userNotFound } from '../../errors.ts'
import { afterMarker, pageOf } from '../../page.ts'
import type { UserRole } from '../../types.ts'
import { accessOf, accessRole, grantAll } from './access.ts'
import type { Client, WithClient } from './connection.ts'
import { checkName } from './databases.ts'

/** Roles that are nobody's to change here; those that begin with `pg_` are the server's. */
const OWN = ['postgres', 'root', 'os_admin']
const ANY_HOST = '%'

const isOwn = (name: string): boolean => OWN.includes(name) || name.startsWith('pg_')

/** Users of a PostgreSQL server: roles that may log in and are no superusers. Every host is `%`. */
export function userRole(withClient: WithClient): UserRole {
  const required = async (client: Client, name: string): Promise<void> => {
    if (isOwn(name) || !(await userIsThere(client, name))) throw userNotFound(name)
  }
  return {
    create: async (users) => {
      await withClient(async (client) => {
        for (const { _name } of users) {
          checkName(_name, 'user')
          if (isOwn(_name)) throw badRequest(`'${_name}' is not a valid user name.`)
          if (await roleIsThere(client, _name)) throw userExists(_name)
        }
      })
      for (const user of users) await createUser(withClient, user)
    },

    delete: async ({ _name }) => {
      await withClient((client) => required(client, _name))
      await dropUser(withClient, _name)
    },

    list: (page) =>
      withClient(async (client) => {
        const found = await client.query<{ name: string }>(
          `SELECT rolname::text AS name FROM pg_roles
            WHERE rolcanlogin AND NOT rolsuper AND rolname <> ALL ($1) AND rolname::text NOT LIKE 'pg\\_%'
              AND rolname::text COLLATE "C" ${afterMarker(page)} $2
            ORDER BY rolname::text COLLATE "C" LIMIT $3`,
          [OWN, page.marker ?? '', page.limit + 1],
        )
        const [roles, next] = pageOf(found.rows, page.limit, ({ name }) => name)
        const users: GuestUser[] = []
        for (const { name } of roles) users.push(await describe(client, name))
        return [users, next]
      }),

    get: (name) =>
      withClient(async (client) => {
        if (isOwn(name) || !(await userIsThere(client, name))) return null
        return describe(client, name)
      }),

    changePasswords: (users) =>
      withClient(async (client) => {
        for (const { _name } of users) await required(client, _name)
        for (const { _name, _password = '' } of users) await setPassword(client, _name, _password)
      }),

    updateAttributes: (name, _host, attributes) =>
      withClient(async (client) => {
        await required(client, name)
        const newName = attributes.name ?? name
        if (newName !== name) {
          checkName(newName, 'user')
          if (isOwn(newName)) throw badRequest(`'${newName}' is not a valid user name.`)
          if (await roleIsThere(client, newName)) throw userExists(newName)
          const [from, to] = [client.escapeIdentifier(name), client.escapeIdentifier(newName)]
          await client.query(`ALTER ROLE ${from} RENAME TO ${to}`)
        }
        if (attributes.password !== undefined) await setPassword(client, newName, attributes.password)
      }),

    access: accessRole(withClient, required),
  }
}

/** Sets a role's password and lets it log in. */
export async function setPassword(client: Client, name: string, password: string): Promise<void> {
  await client.query(
    `ALTER ROLE ${client.escapeIdentifier(name)} LOGIN PASSWORD ${client.escapeLiteral(password)}`,
  )
}

async function roleIsThere(client: Client, name: string): Promise<boolean> {
  return (await client.query('SELECT 1 FROM pg_roles WHERE rolname::text = $1', [name])).rows.length > 0
}

async function userIsThere(client: Client, name: string): Promise<boolean> {
  const found = await client.query(
    'SELECT 1 FROM pg_roles WHERE rolname::text = $1 AND rolcanlogin AND NOT rolsuper',
    [name],
  )
  return found.rows.length > 0
}

/** A user with access to its databases, or none at all. */
async function createUser(withClient: WithClient, user: GuestUser): Promise<void> {
  const { _name, _password, _databases = [] } = user
  if (_password === undefined || _password === '') throw badRequest(`The user '${_name}' has no password.`)
  await withClient((client) =>
    client.query(
      `CREATE ROLE ${client.escapeIdentifier(_name)} LOGIN PASSWORD ${client.escapeLiteral(_password)}`,
    ),
  )
  try {
    await grantAll(
      withClient,
      _name,
      _databases.map((database) => database._name),
    )
  } catch (error) {
    await dropUser(withClient, _name)
    throw error
  }
}

/** What the user has made stays, as the superuser's; without that the server would not let the role go. */
async function dropUser(withClient: WithClient, name: string): Promise<void> {
  const databases = await withClient((client) =>
    client.query<{ name: string }>('SELECT datname::text AS name FROM pg_database WHERE datallowconn'),
  )
  for (const { name: database } of databases.rows) {
    await withClient(async (client) => {
      const role = client.escapeIdentifier(name)
      await client.query(`REASSIGN OWNED BY ${role} TO postgres; DROP OWNED BY ${role}`)
    }, database)
  }
  await withClient((client) => client.query(`DROP ROLE ${client.escapeIdentifier(name)}`))
}

async function describe(client: Client, name: string): Promise<GuestUser> {
  return { _name: name, _host: ANY_HOST, _databases: await accessOf(client, name) }
}
