import { randomPassword } from '../../passwords.ts'
import type { RootRole } from '../../types.ts'
import { type Connection, rows, type WithConnection } from './connection.ts'

const ROOT = 'root'
const ANY_HOST = '%'

/** Root over the network: an account of its own, which exists only while it is enabled. Root on the socket stays. */
export function rootRole(withConnection: WithConnection): RootRole {
  return {
    enable: (password = randomPassword()) =>
      withConnection(async (connection) => {
        await connection.query('CREATE USER IF NOT EXISTS ?@? IDENTIFIED BY ?', [ROOT, ANY_HOST, password])
        await connection.query('ALTER USER ?@? IDENTIFIED BY ? ACCOUNT UNLOCK', [ROOT, ANY_HOST, password])
        await connection.query('GRANT ALL PRIVILEGES ON *.* TO ?@? WITH GRANT OPTION', [ROOT, ANY_HOST])
        return { _name: ROOT, _host: ANY_HOST, _password: password }
      }),

    disable: () =>
      withConnection(async (connection) => {
        await connection.query('DROP USER IF EXISTS ?@?', [ROOT, ANY_HOST])
        await endRemoteSessions(connection)
      }),

    isEnabled: () =>
      withConnection(async (connection) => {
        const found = await rows(
          connection,
          "SELECT 1 FROM mysql.user WHERE User = ? AND Host NOT IN ('localhost', '127.0.0.1', '::1')",
          [ROOT],
        )
        return found.length > 0
      }),
  }
}

/** The server lets those who are in stay in, with all their rights. */
async function endRemoteSessions(connection: Connection): Promise<void> {
  const sessions = await rows<{ Id: number; User: string; Host: string }>(connection, 'SHOW PROCESSLIST')
  for (const { Id, User, Host } of sessions) {
    if (User !== ROOT || Host === 'localhost') continue
    await connection.query('KILL ?', [Id]).catch((error: unknown) => {
      // It has gone by itself.
      if (!(error instanceof Error && 'code' in error && error.code === 'ER_NO_SUCH_THREAD')) throw error
    })
  }
}
