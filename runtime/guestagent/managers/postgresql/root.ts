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
