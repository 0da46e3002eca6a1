import { randomPassword } from '../../passwords.ts'
import type { RootRole } from '../../types.ts'
import type { WithClient } from './connection.ts'
import { setPassword } from './users.ts'

const SUPERUSER = 'postgres'

/** The superuser over the network: it has a password while it is enabled, and without one nobody gets in as it. */
export function rootRole(withClient: WithClient): RootRole {
  return {
    enable: (password = randomPassword()) =>
      withClient(async (client) => {
        await setPassword(client, SUPERUSER, password)
        return { _name: SUPERUSER, _host: '%', _password: password }
      }),

    disable: () =>
      withClient(async (client) => {
        await client.query(`ALTER ROLE ${client.escapeIdentifier(SUPERUSER)} PASSWORD NULL`)
        // The server lets those who are in stay in, with all their rights. Over the socket comes nobody but this machine.
        await client.query(
          'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND client_addr IS NOT NULL',
          [SUPERUSER],
        )
      }),

    isEnabled: () =>
      withClient(async (client) => {
        const found = await client.query(
          'SELECT 1 FROM pg_authid WHERE rolname = $1 AND rolpassword IS NOT NULL',
          [SUPERUSER],
        )
        return found.rows.length > 0
      }),
  }
}
