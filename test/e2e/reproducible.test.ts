import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import { root, tool, workDirectory } from './harness.ts'
import { memberDifferences, tarMembers } from './tar-members.ts'

const work = await workDirectory()
/** Earlier than any build, later than most packages. */
const DATE = '1780000000'

/** Builds the Redis image in a directory of its own; digests of its outputs by name. */
async function build(directory: string, prefix: readonly string[], env: Record<string, string>) {
  const place = join(work, directory)
  await mkdir(place, { recursive: true })
  const [program = '', ...words] = [...prefix, `${root}builder/bin/build-image`]
  const argv = [
    program,
    ...words,
    'redis',
    '--no-cache',
    '-t',
    'qcow2,raw,tar',
    '-o',
    join(place, 'redis'),
  ] as const
  const { exitCode, output } = await tool(place, argv, { SOURCE_DATE_EPOCH: DATE, ...env })
  expect(exitCode, output).toBe(0)
  expect(output).not.toContain('Not reproducible')
  const names = ['redis.qcow2', 'redis.raw', 'redis.tar']
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await digestFile(join(place, name))])),
  )
}

test('two builds of an image are the same to the bit, however different their circumstances', async () => {
  const first = await build('first', [], {})
  const elsewhere = {
    TZ: 'Asia/Tokyo',
    LANG: 'de_DE.UTF-8',
    LC_TIME: 'fr_FR.UTF-8',
    USER: 'alice',
    LOGNAME: 'alice',
    FAVOURITE_COLOUR: 'green',
    DIB_NO_TMPFS: '1',
    TMP_DIR: join(work, 'second'),
  }
  await mkdir(elsewhere.TMP_DIR)
  const prefix = ['taskset', '-c', '0', '/bin/sh', '-c', 'umask 077; exec "$@"', 'sh']
  const second = await build('second/place', prefix, elsewhere)
  const members = ['first', 'second/place'].map((place) => tarMembers(join(work, place, 'redis.tar')))
  const [left, right] = await Promise.all(members)
  expect(memberDifferences(left ?? new Map(), right ?? new Map())).toEqual(new Map())
  expect(second).toEqual(first)
  await run(['qemu-img', 'check', '-q', join(work, 'second/place/redis.qcow2')])
})
