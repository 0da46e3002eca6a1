import { type Connection, rows } from './connection.ts'
import { databaseIsThere } from './databases.ts'
import { identifier } from './names.ts'

/** Plug-ins that let in whoever knows the password; an empty one is known to everybody. */
const PASSWORD_PLUGINS = ['', 'mysql_native_password', 'caching_sha2_password', 'sha256_password', 'ed25519']

interface Account {
  readonly name: string
  readonly host: string
}

/**
 * Closes what an installation may have left open: accounts without a name, accounts without a password, the test database.
 * Root comes in over the local socket as the system's root and is left alone; root from elsewhere is not enabled yet.
 */
export async function secure(connection: Connection): Promise<void> {
  const accounts = (condition: string, values: readonly unknown[] = []) =>
    rows<Account>(connection, `SELECT User AS name, Host AS host FROM mysql.user WHERE ${condition}`, values)
  // A role has no host, and nobody logs in as one.
  for (const { name, host } of await accounts("User = '' AND Host <> ''")) {
    await connection.query('DROP USER ?@?', [name, host])
  }
  for (const { name, host } of await accounts("User = 'root' AND Host <> 'localhost'")) {
    await connection.query('DROP USER ?@?', [name, host])
  }
  const open = await accounts("Host <> '' AND plugin IN (?) AND authentication_string = ''", [
    PASSWORD_PLUGINS,
  ])
  for (const { name, host } of open) {
    await connection.query('ALTER USER ?@? ACCOUNT LOCK', [name, host])
  }
  // Asked first: on most images there is nothing to do, and asking is cheaper.
  if (await databaseIsThere(connection, 'test')) {
    await connection.query('DROP DATABASE ?', [identifier('test')])
  }
  const everybody = "Db IN ('test', 'test\\\\_%') OR User = ''"
  if ((await rows(connection, `SELECT 1 FROM mysql.db WHERE ${everybody}`)).length > 0) {
    await connection.query(`DELETE FROM mysql.db WHERE ${everybody}`)
    await connection.query('FLUSH PRIVILEGES')
  }
}
