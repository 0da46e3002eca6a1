import { appendFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../../../lib/clock.ts'
import { run } from '../../../../../lib/exec.ts'
import { followLines, lastLines, newPart } from '../../../../../runtime/cli/coffer/follow.ts'
import { commandsFor } from '../../../../../runtime/cli/coffer/next-commands.ts'
import { statusText } from '../../../../../runtime/cli/coffer/status.ts'
import { waitFor } from '../../../../../runtime/cli/coffer/wait.ts'
import { ownDirectory } from '../../control/support.ts'
import { handClock } from '../../identity/support.ts'

const COFFER = new URL('../../../../../runtime/bin/coffer', import.meta.url).pathname
const BIN = new URL('../../../../../runtime/bin', import.meta.url).pathname
const coffer = (...args: string[]) => run([COFFER, ...args], { check: false })

describe('the command line', () => {
  test('tells the subcommands, and each its options', async () => {
    const help = await coffer('--help')
    expect(help.exitCode).toBe(0)
    for (const name of ['up', 'down', 'status', 'doctor', 'logs'])
      expect(help.stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
    expect((await coffer('down', '--help')).stdout).toContain('--purge')
  })

  test('refuses wrong words with status 2 and a hint, without a stack trace', async () => {
    for (const words of [['fly'], ['up', '--fast'], ['down', 'now'], ['logs', '-n', 'many']]) {
      const refused = await coffer(...words)
      expect([words, refused.exitCode]).toEqual([words, 2])
      expect(refused.stderr).toMatch(/^error: /)
      expect(refused.stderr).not.toMatch(/^\s+at /m)
    }
  })

  test('takes the state directory before and after the subcommand, and leaves one that is not there alone', async () => {
    const missing = join(await ownDirectory(), 'none')
    for (const words of [
      ['--state-dir', missing, 'status'],
      ['status', '--state-dir', missing],
    ]) {
      const { stdout, exitCode } = await coffer(...words)
      expect([stdout, exitCode]).toEqual([
        `The service does not run (state directory ${missing}).\nhint: coffer up starts it.\n`,
        1,
      ])
    }
  })
})

describe('the next commands', () => {
  const facts = {
    settings: { stateDir: '/var/lib/coffer', authUrl: undefined },
    datastore: 'mysql',
    versions: [],
    searchPath: `/usr/bin:${BIN}`,
  }

  test('begin with an image when nothing is registered', () => {
    expect(commandsFor(facts)).toEqual(['. /var/lib/coffer/openrc', 'build-image mysql --register'])
  })

  test('make an instance of the datastore that was named, or of one that there is', () => {
    const create = (versions: readonly string[]) =>
      commandsFor({ ...facts, versions: versions.map((datastore_name) => ({ datastore_name })) })[2]
    expect(create(['redis', 'mysql'])).toBe('trove create m1 2 --size 1 --datastore mysql')
    expect(create(['redis', 'postgresql'])).toBe('trove create m1 2 --size 1 --datastore postgresql')
  })

  test('lead to the programs when they are not on the search path, and to no openrc where a Keystone keeps the users', () => {
    expect(commandsFor({ ...facts, searchPath: '/usr/bin' })[0]).toBe(`export PATH=${BIN}:$PATH`)
    expect(commandsFor({ ...facts, settings: { stateDir: '/s', authUrl: 'http://k/v3' } })).toEqual([
      'build-image mysql --register',
    ])
  })
})

test('a status names what does not answer', () => {
  const text = statusText({
    running: true,
    state: 'running',
    pid: 7,
    since: '2026-11-23T12:00:00.000Z',
    memory: 120 * 2 ** 20,
    stateDir: '/s',
    services: [{ name: 'identity', url: 'http://h/v3', answers: false }],
    instances: { total: 3, running: 2 },
  })
  expect(text).toBe(`The service is running: process 7 since 2026-11-23T12:00:00Z, 120 MiB.
  identity  http://h/v3  DOES NOT ANSWER
  state     /s
Instances: 3, of which 2 serve.
`)
})

test('a wait ends with what it waited for and where to look', async () => {
  const clock = handClock()
  const wait = {
    what: 'the API to answer',
    deadlineMs: 5000,
    hint: 'See coffer logs.',
    probe: async () => undefined,
  }
  await expect(waitFor(wait, clock)).rejects.toMatchObject({
    code: 'WAIT_TIMED_OUT',
    message: 'Waited 5 s in vain for the API to answer',
    hint: 'See coffer logs.',
  })
  let asked = 0
  expect(await waitFor({ ...wait, probe: async () => (++asked === 3 ? 'here' : undefined) }, clock)).toBe(
    'here',
  )
})

describe('following a log', () => {
  test('begins with its last lines and goes on with what comes, also in a new file', async () => {
    const file = join(await ownDirectory(), 'log')
    await writeFile(file, 'a 1\nb 2\na 3\na 4\nunfinish')
    const { lines, end } = await lastLines(file, 2, (line) => line.startsWith('a'))
    expect(lines).toEqual(['a 3', 'a 4'])
    const coming = followLines(file, end, systemClock)
    await appendFile(file, 'ed ü\nnext\n')
    const next = async () => (await coming.next()).value
    expect([await next(), await next()]).toEqual(['unfinished ü', 'next'])
    await rename(file, `${file}.1`)
    await writeFile(file, 'fresh\n')
    expect(await next()).toBe('fresh')
    await coming.return(undefined)
  })

  test('shows of a console only what is new', () => {
    const before = Array.from({ length: 300 }, (_, n) => `line ${n}\n`).join('')
    expect(newPart('', 'boot\n')).toBe('boot\n')
    expect(newPart(before, `${before}more\n`)).toBe('more\n')
    expect(newPart(before, `${before.slice(900)}more\n`)).toBe('more\n')
    expect(newPart(before, before)).toBe('')
    expect(newPart(before, 'another boot\n')).toBe('another boot\n')
  })
})
