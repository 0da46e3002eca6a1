import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll } from 'vitest'
import { run } from '../../lib/exec.ts'

/** An ordinary user for one test file. */
export interface ThrowAwayUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
  /** The first of its subordinate ids; undefined for a user without any. */
  readonly subordinate: number | undefined
  /** Words in front of a command that is to run as this user. */
  readonly as: readonly [string, ...string[]]
}

/** Far above what useradd gives out by itself, and below 2^31. */
const BLOCKS = { from: 1_000_000_000, count: 10_000, size: 65_536 }

/** Makes a user that is deleted, with everything of it in /etc, after the test file. */
export async function throwAwayUser(options: { readonly subordinate: boolean }): Promise<ThrowAwayUser> {
  const texts = await Promise.all(
    ['passwd', 'group', 'subuid', 'subgid'].map((file) => readFile(`/etc/${file}`, 'utf8').catch(() => '')),
  )
  const taken = texts.join('\n')
  const uid = freeNumber(() => randomInt(62_000, 64_999), taken)
  const name = `coffer-test-${uid}`
  // A system user: useradd gives it no home and no subordinate ids of its own accord.
  await run(['useradd', '--system', '--uid', String(uid), '--user-group', '--no-create-home', name])
  afterAll(() => run(['userdel', name]))
  const as = ['setpriv', '--reuid', name, '--regid', name, '--init-groups', '--'] as const
  const gid = Number((await run(['id', '-g', name])).stdout)
  if (!options.subordinate) return { name, uid, gid, subordinate: undefined, as }
  const start = freeNumber(() => BLOCKS.from + randomInt(BLOCKS.count) * BLOCKS.size, taken)
  const range = `${start}-${start + BLOCKS.size - 1}`
  await run(['usermod', '--add-subuids', range, '--add-subgids', range, name])
  return { name, uid, gid, subordinate: start, as }
}

function freeNumber(choose: () => number, taken: string): number {
  for (;;) {
    const number = choose()
    if (!new RegExp(`:${number}:`).test(taken)) return number
  }
}
