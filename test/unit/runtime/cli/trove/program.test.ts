import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { run } from '../../../../../lib/exec.ts'
import { removeTree } from '../../../../../lib/tree.ts'
import { trove } from './run.ts'

describe('a mistake on the command line', () => {
  test('in front of the subcommand ends with 2 and the usage of the program', async () => {
    const ran = await trove('shwo m1')
    expect(ran.code).toBe(2)
    expect(ran.stderr).toMatch(/^usage: trove \[--version\]/)
    expect(ran.stderr).toContain(
      "error: argument <subcommand>: invalid choice: 'shwo'\nTry 'trove help ' for more information.\nhint: did you mean: show?\n",
    )
  })

  test('behind it ends with 2 and its own usage', async () => {
    expect(await trove('restart')).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'usage: trove restart [--wait] [--wait-timeout <seconds>] <instance>\n' +
        'error: the following arguments are required: <instance>\n' +
        "Try 'trove help restart' for more information.\n",
    })
  })

  test('of the book: --json at the end', async () => {
    const ran = await trove('database-list m1 --json')
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain(
      'error: unrecognized arguments: --json\n' +
        "Try 'trove help ' for more information.\n" +
        'hint: --json goes before the subcommand: trove --json database-list\n',
    )
  })

  test('in the name of a help topic', async () => {
    expect(await trove('help lits')).toEqual({
      code: 1,
      stdout: '',
      stderr: "ERROR: 'lits' is not a valid subcommand\nhint: did you mean: list?\n",
    })
  })
})

test('the same help comes by help, --help and -h, and needs no service', async () => {
  const help = await trove('help create')
  expect(help.code).toBe(0)
  for (const line of ['create --help', 'create -h', 'create m1 --help'])
    expect(await trove(line)).toEqual(help)
  expect(await trove([])).toEqual(await trove('--help'))
})

test('--version prints the version of the project', async () => {
  expect((await trove('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

describe('completion', () => {
  test('knows subcommands and options', async () => {
    const words = (await trove('bash-completion')).stdout.trim().split(' ')
    expect(words).toEqual(
      expect.arrayContaining(['create', 'user-list', '--datastore_version', '--os-username', 'help']),
    )
  })

  test('in bash offers subcommands, then the options of the one that was typed', async () => {
    const { stdout: script } = await trove('bash-completion --script')
    const complete = async (words: readonly string[]) => {
      const { stdout } = await run([
        'bash',
        '-c',
        `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _trove; echo "\${COMPREPLY[*]}"`,
        'bash',
        ...words,
      ])
      return stdout.trim().split(' ')
    }
    expect(await complete(['trove', 'database-'])).toEqual([
      'database-create',
      'database-delete',
      'database-list',
    ])
    expect(await complete(['trove', '--os-username', 'create', 'user-create', 'm1', '--'])).toEqual([
      '--host',
      '--databases',
    ])
    expect(await complete(['trove', 'help', 'limit'])).toEqual(['limit-list'])
  })
})

describe('the program itself', () => {
  const cache = mkdtempSync(join(tmpdir(), 'coffer-trove-'))
  afterAll(() => removeTree(cache))
  const program = new URL('../../../../../runtime/bin/trove', import.meta.url).pathname
  const start = (args: readonly string[]) =>
    run([program, ...args], { check: false, env: { PATH: process.env.PATH, XDG_CACHE_HOME: cache } })

  test('prints its help with status 0, and an error on the error stream with status 1', async () => {
    const help = await start(['--help'])
    expect([help.exitCode, help.stderr]).toEqual([0, ''])
    expect(help.stdout).toContain('\n    user-grant-access             Lets a user use databases.\n')
    const list = await start(['list'])
    expect([list.exitCode, list.stdout]).toEqual([1, ''])
    expect(list.stderr).toContain(
      'ERROR: You must provide a username via either --os-username or env[OS_USERNAME]\n',
    )
  })

  test('ends quietly when its reader goes away', async () => {
    const ran = await run(['bash', '-c', `"$0" --help | head -n 1; echo "\${PIPESTATUS[0]}"`, program], {
      env: { PATH: process.env.PATH, XDG_CACHE_HOME: cache },
    })
    expect(ran.stdout).toMatch(/^usage: trove .*\n0\n?$/)
    expect(ran.stderr).toBe('')
  })
})
