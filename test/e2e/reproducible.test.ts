import { chmod, chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import { throwAwayUser } from '../integration/throw-away-user.ts'
import { root, tool, workDirectory } from './harness.ts'
import { memberDifferences, tarMembers } from './tar-members.ts'

const work = await workDirectory()
const alice = await throwAwayUser({ subordinate: true })

/** Builds the MySQL image in a directory of its own; digests of its outputs by name. */
async function build(
  directory: string,
  { as, options, env }: { as: readonly string[]; options: readonly string[]; env: Record<string, string> },
) {
  const place = join(work, directory)
  const [program = '', ...words] = [...as, join(work, 'coffer/builder/bin/build-image'), 'mysql']
  const outputs = ['-t', 'qcow2,raw,tar', '-o', join(place, 'mysql')]
  const { exitCode, output } = await tool(place, [program, ...words, '--no-cache', ...outputs, ...options], {
    DIB_IMAGE_CACHE: join(work, 'cache'),
    ...env,
  })
  expect(exitCode, output).toBe(0)
  expect(output).not.toContain('Not reproducible')
  const names = ['mysql.qcow2', 'mysql.raw', 'mysql.tar']
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await digestFile(join(place, name))])),
  )
}

/**
 * Starts a command with this repository at a place that everybody can reach, and without a network. libfaketime leaves
 * things in /dev/shm under the process ids of the build, which the next build has too.
 */
const enter = [
  ...['unshare', '--mount', '--propagation', 'private', '--net', '--', '/bin/sh', '-c'],
  'umask 027; ip link set lo up && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && mount --bind -- "$1" "$2" && shift 2 && exec "$@"',
  ...['sh', root, join(work, 'coffer')],
]

test('a build from a lock is the same to the bit on what might be another machine, a year later', async () => {
  for (const name of ['coffer', 'first', 'other', 'other/place']) await mkdir(join(work, name))
  await run(['mount', '--bind', '--', root, join(work, 'coffer')])
  const first = await build('first', {
    as: [],
    options: ['--lock', join(work, 'mysql.lock')],
    env: {},
  }).finally(() => run(['umount', join(work, 'coffer')]))

  // The lock, what lies beside it, and the cache that it was made with go to somebody else.
  await chmod(work, 0o755)
  await run(['chown', '-R', `${alice.uid}:${alice.gid}`, join(work, 'cache'), join(work, 'other')])
  await chown(join(work, 'mysql.lock'), alice.uid, alice.gid)
  const second = await build('other/place', {
    as: [...enter, ...alice.as, 'taskset', '-c', '0', 'faketime', '-f', '+365d'],
    options: ['--locked', join(work, 'mysql.lock'), '--offline'],
    env: {
      TZ: 'Asia/Tokyo',
      LANG: 'de_DE.UTF-8',
      LC_TIME: 'fr_FR.UTF-8',
      USER: alice.name,
      LOGNAME: alice.name,
      HOME: join(work, 'other'),
      FAVOURITE_COLOUR: 'green',
      DIB_NO_TMPFS: '1',
      TMP_DIR: join(work, 'other'),
      // The clock is another, the files are the same.
      NO_FAKE_STAT: '1',
    },
  })
  const members = ['first', 'other/place'].map((place) => tarMembers(join(work, place, 'mysql.tar')))
  const [left, right] = await Promise.all(members)
  expect(memberDifferences(left ?? new Map(), right ?? new Map())).toEqual(new Map())
  expect(second).toEqual(first)
  await run(['qemu-img', 'check', '-q', join(work, 'other/place/mysql.qcow2')])
})
