import { sha256 } from '../../../../lib/hash.ts'
import { randomPassword } from '../../passwords.ts'
import type { RootRole } from '../../types.ts'
import type { WithRedis } from './connection.ts'

/** The agent's own account. */
export const AGENT_ACCOUNT = 'coffer'
/** Who a client is that names no account: Redis's notion of root. */
const DEFAULT_ACCOUNT = 'default'

const OWN_LINE = new RegExp(`^user (${AGENT_ACCOUNT}|${DEFAULT_ACCOUNT}) `)

const EVERYTHING = ['allkeys', 'allchannels', 'allcommands']

/** What an account may do, in the words of ACL SETUSER; the server keeps passwords as SHA-256 too. */
const rules = (passwordHash: string | undefined): readonly string[] => [
  'reset',
  ...(passwordHash === undefined ? ['off'] : ['on', `#${passwordHash}`]),
  ...EVERYTHING,
]

/**
 * The server's file of accounts. What root has added to it with ACL SAVE stays.
 *
 * @param present the file as it is, @param rootHash SHA-256 of root's password; undefined while disabled
 */
export function accountsFile(present: string, agentPassword: string, rootHash: string | undefined): string {
  const others = present.split('\n').filter((line) => line !== '' && !OWN_LINE.test(line))
  return [
    `user ${AGENT_ACCOUNT} ${rules(sha256(agentPassword)).join(' ')}`,
    `user ${DEFAULT_ACCOUNT} ${rules(rootHash).join(' ')}`,
    ...others,
    '',
  ].join('\n')
}

/** The SHA-256 of root's password as the file has it, written by us or by the server; undefined when root is disabled. */
export function rootHashIn(file: string): string | undefined {
  const line = file.split('\n').find((candidate) => candidate.startsWith(`user ${DEFAULT_ACCOUNT} `)) ?? ''
  const words = line.split(' ')
  return words.includes('on') ? words.find((word) => /^#[0-9a-f]{64}$/.test(word))?.slice(1) : undefined
}

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
    async disable() {
      await set(undefined)
      // Redis lets those who are in stay in, with all their rights.
      await withRedis((send) => send('CLIENT', 'KILL', 'USER', DEFAULT_ACCOUNT))
    },
    isEnabled: () =>
      withRedis(async (send) => {
        const answer = await send('ACL', 'LIST')
        const lines = Array.isArray(answer) ? answer.map(String) : []
        return lines.some((line) => line.startsWith(`user ${DEFAULT_ACCOUNT} on `))
      }),
  }
}
