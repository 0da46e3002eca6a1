import { sha256 } from '../../../../lib/hash.ts'
import { randomPassword } from '../../passwords.ts'
import type { RootRole } from '../../types.ts'
import type { WithRedis } from './connection.ts'

/** The agent's own account. */
export const AGENT_ACCOUNT = 'coffer'
/** Who a client is that names no account: Redis's notion of root. */
const DEFAULT_ACCOUNT = 'default'

const EVERYTHING = ['allkeys', 'allchannels', 'allcommands']

/** What an account may do, in the words of ACL SETUSER; the server keeps passwords as SHA-256 too. */
const rules = (passwordHash: string | undefined): readonly string[] => [
  'reset',
  ...(passwordHash === undefined ? ['off'] : ['on', `#${passwordHash}`]),
  ...EVERYTHING,
]

/** The configuration file that holds the accounts. @param rootHash SHA-256 of root's password; undefined while disabled */
export function accountsFile(agentPassword: string, rootHash: string | undefined): string {
  return [
    "# Written by Coffer's guest agent. Nobody gets in without a password.",
    `user ${AGENT_ACCOUNT} ${rules(sha256(agentPassword)).join(' ')}`,
    `user ${DEFAULT_ACCOUNT} ${rules(rootHash).join(' ')}`,
    '',
  ].join('\n')
}

/** The SHA-256 of root's password as the file has it; undefined when root is disabled there. */
export const rootHashIn = (file: string): string | undefined =>
  new RegExp(`^user ${DEFAULT_ACCOUNT} reset on #([0-9a-f]{64}) `, 'm').exec(file)?.[1]

/**
 * The password of clients that name no account. Trove gives `root` as the name of that (contract §1.6).
 *
 * @param save writes the accounts' file with this hash of root's password, so that it holds after a restart
 */
export function rootRole(
  withRedis: WithRedis,
  save: (rootHash: string | undefined) => Promise<void>,
): RootRole {
  const set = async (rootHash: string | undefined): Promise<void> => {
    await save(rootHash)
    await withRedis((send) => send('ACL', 'SETUSER', DEFAULT_ACCOUNT, ...rules(rootHash)))
  }
  return {
    async enable(password = randomPassword()) {
      await set(sha256(password))
      return { _name: 'root', _host: '%', _password: password }
    },
    disable: () => set(undefined),
    isEnabled: () =>
      withRedis(async (send) => {
        const answer = await send('ACL', 'LIST')
        const lines = Array.isArray(answer) ? answer.map(String) : []
        return lines.some((line) => line.startsWith(`user ${DEFAULT_ACCOUNT} on `))
      }),
  }
}
