import { glob, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { TOLD, tellingConsole } from '../../../../runtime/guestagent/console-log.ts'
import { silentLog } from '../../../../runtime/transport/log.ts'

function telling() {
  const lines: string[] = []
  let seconds = 7
  const log = tellingConsole(
    silentLog,
    (line) => lines.push(line.replaceAll('\n', '')),
    () => seconds++,
  )
  return { lines, log }
}

test('the console tells why a guest is not ready, and since when: no connection, a step, the reason of a failure', () => {
  const { lines, log } = telling()
  log.warn({ url: 'coffer://10.0.2.100', reason: 'connection refused' }, 'There is no connection to the hub')
  log.info({}, 'Connected to the hub')
  log.info({ step: 'starting the database' }, 'Preparing the guest')
  log.error({ reason: 'no space left' }, 'The guest could not be prepared')
  expect(lines).toEqual([
    '[     7.00] coffer: agent: There is no connection to the hub: connection refused',
    '[     8.00] coffer: agent: Connected to the hub',
    '[     9.00] coffer: agent: Preparing the guest: starting the database',
    '[    10.00] coffer: agent: The guest could not be prepared: no space left',
  ])
})

test('a connection that is tried for hours fills no console, and other events stay in the journal', () => {
  const { lines, log } = telling()
  for (let n = 0; n < 1000; n++) log.warn({ reason: 'refused' }, 'There is no connection to the hub')
  log.warn({ method: 'create_user', reason: 'a secret?' }, 'A request failed')
  expect(lines).toHaveLength(1)
})

test('what an engine says cannot drive the terminal of who reads the console', () => {
  const { lines, log } = telling()
  log.error({ reason: 'bad\u001b[2J\nline' }, 'The guest could not be prepared')
  expect(lines).toEqual(['[     7.00] coffer: agent: The guest could not be prepared: bad?[2J line'])
})

test('every sentence for the console is one that the agent or its transport really logs', async () => {
  const sources: string[] = []
  for await (const file of glob('runtime/{guestagent,transport}/**/*.ts')) {
    if (!file.endsWith('console-log.ts')) sources.push(await readFile(file, 'utf8'))
  }
  expect([...TOLD].filter((sentence) => !sources.some((source) => source.includes(`'${sentence}'`)))).toEqual(
    [],
  )
})
