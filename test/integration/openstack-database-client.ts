import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'

const DRIVER = new URL('openstack-database-client.py', import.meta.url).pathname

/** What a command of a client left behind. */
export interface Answer {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Debian's `openstack` and `trove` of one user, as that user's shell would run them. */
export interface DatabaseClient {
  readonly openstack: (...args: string[]) => Promise<Answer>
  readonly trove: (...args: string[]) => Promise<Answer>
  readonly close: () => Promise<void>
}

/**
 * The unmodified clients of python3-openstackclient and python3-troveclient, in an interpreter that has loaded them already:
 * a tenth of the time of starting one for each command.
 *
 * @param env the user's openrc; the rest of the environment is made here
 */
export async function databaseClient(
  env: Readonly<Record<string, string>>,
  home: string,
): Promise<DatabaseClient> {
  if (!existsSync('/usr/bin/openstack') || !existsSync('/usr/bin/trove')) {
    throw new Error('This test needs: apt-get install python3-openstackclient python3-troveclient')
  }
  const child = spawn('/usr/bin/python3', [DRIVER], {
    env: { ...env, PATH: '/usr/bin:/bin', HOME: home, LANG: 'C.UTF-8' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let before: Promise<unknown> = Promise.resolve()
  const ask = (program: string, args: readonly string[]): Promise<Answer> => {
    const answer = before.then(async () => {
      child.stdin.write(`${JSON.stringify({ program, args })}\n`)
      const { value, done } = await answers.next()
      if (done === true) throw new Error('The interpreter of the clients ended')
      return JSON.parse(value) as Answer
    })
    before = answer.catch(() => undefined)
    return answer
  }
  return {
    openstack: (...args) => ask('openstack', args),
    trove: (...args) => ask('trove', args),
    async close() {
      const ended = once(child, 'exit')
      child.stdin.end()
      await ended
    },
  }
}
