import type { GuestUser } from '../../../rpc/guest-methods.ts'
import { badRequest, userExists, userNotFound } from '../../errors.ts'
import { afterMarker, pageOf } from '../../page.ts'
import type { UserRole } from '../../types.ts'
import { accessOf, accessRole, grantAll } from './access.ts'
import { type Connection, rows, type WithConnection } from './connection.ts'
import { accountMarker } from './names.ts'

const ANY_HOST = '%'

/**
 * Accounts of a server of the MySQL family.
 *
 * @param ownAccounts names of the server's and the agent's own accounts, in small letters
 */
export function userRole(withConnection: WithConnection, ownAccounts: readonly string[]): UserRole {
  const isOwn = (name: string) => name === '' || ownAccounts.includes(name.toLowerCase())
  const required = async (connection: Connection, name: string, host: string): Promise<void> => {
    if (isOwn(name) || !(await accountIsThere(connection, name, host))) throw userNotFound(name)
  }
  return {
    create: (users) =>
      withConnection(async (connection) => {
        for (const { _name, _host = ANY_HOST } of users) {
          if (isOwn(_name)) throw badRequest(`'${_name}' is not a valid user name.`)
          if (await accountIsThere(connection, _name, _host)) throw userExists(_name)
        }
        for (const user of users) await createAccount(connection, user)
      }),

    delete: ({ _name, _host = ANY_HOST }) =>
      withConnection(async (connection) => {
        await required(connection, _name, _host)
        await connection.query('DROP USER ?@?', [_name, _host])
      }),

    list: (page) =>
      withConnection(async (connection) => {
        const found = await rows<{ name: string; host: string }>(
          connection,
          `SELECT User AS name, Host AS host FROM mysql.user
            WHERE Host <> '' AND User <> '' AND LOWER(CONVERT(User USING utf8mb4)) NOT IN (?)
              AND CAST(CONCAT(User, '@', Host) AS BINARY) ${afterMarker(page)} CAST(? AS BINARY)
            ORDER BY CAST(CONCAT(User, '@', Host) AS BINARY) LIMIT ?`,
          [ownAccounts, page.marker ?? '', page.limit + 1],
        )
        const [accounts, next] = pageOf(found, page.limit, ({ name, host }) => accountMarker(name, host))
        const users: GuestUser[] = []
        for (const { name, host } of accounts) users.push(await describe(connection, name, host))
        return [users, next]
      }),

    get: (name, host) =>
      withConnection(async (connection) => {
        if (isOwn(name) || !(await accountIsThere(connection, name, host))) return null
        return describe(connection, name, host)
      }),

    changePasswords: (users) =>
      withConnection(async (connection) => {
        for (const { _name, _host = ANY_HOST } of users) await required(connection, _name, _host)
        for (const { _name, _host = ANY_HOST, _password = '' } of users) {
          await connection.query('ALTER USER ?@? IDENTIFIED BY ?', [_name, _host, _password])
        }
      }),

    updateAttributes: (name, host, attributes) =>
      withConnection(async (connection) => {
        await required(connection, name, host)
        const newName = attributes.name ?? name
        const newHost = attributes.host ?? host
        if (newName !== name || newHost !== host) {
          if (isOwn(newName)) throw badRequest(`'${newName}' is not a valid user name.`)
          if (await accountIsThere(connection, newName, newHost)) throw userExists(newName)
          await connection.query('RENAME USER ?@? TO ?@?', [name, host, newName, newHost])
        }
        if (attributes.password !== undefined) {
          await connection.query('ALTER USER ?@? IDENTIFIED BY ?', [newName, newHost, attributes.password])
        }
      }),

    access: accessRole(withConnection, required),
  }
}

/** Whether an account of exactly this name and host exists. Hosts are compared in small letters, as the server does. */
export async function accountIsThere(connection: Connection, name: string, host: string): Promise<boolean> {
  const found = await rows(
    connection,
    'SELECT 1 FROM mysql.user WHERE CAST(User AS BINARY) = CAST(? AS BINARY) AND LOWER(Host) = LOWER(?)',
    [name, host],
  )
  return found.length > 0
}

/** An account with its grants, or none at all. */
async function createAccount(connection: Connection, user: GuestUser): Promise<void> {
  const { _name, _host = ANY_HOST, _password, _databases = [] } = user
  if (_password === undefined || _password === '') throw badRequest(`The user '${_name}' has no password.`)
  await connection.query('CREATE USER ?@? IDENTIFIED BY ?', [_name, _host, _password])
  try {
    await grantAll(
      connection,
      _name,
      _host,
      _databases.map((database) => database._name),
    )
  } catch (error) {
    await connection.query('DROP USER ?@?', [_name, _host])
    throw error
  }
}

async function describe(connection: Connection, name: string, host: string): Promise<GuestUser> {
  return { _name: name, _host: host, _databases: await accessOf(connection, name, host) }
}
