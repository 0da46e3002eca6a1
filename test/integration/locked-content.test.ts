import { copyFile, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { readLock } from '../../builder/lock/parse-lock.ts'
import { run } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import { withElements } from './engine-elements.ts'
import { create, leftovers, workDirectory } from './harness.ts'

// A stand-in for a database whose files differ each time that they are made.

const work = await workDirectory()
let elementsPath: string

const draws = `#!/bin/bash
set -eu
set -o pipefail
install -d -m 750 /var/lib/drawn/below
for n in 1 2 3; do echo "$RANDOM$RANDOM$RANDOM \${SCHEMA:-plain}" >/var/lib/drawn/file-$n; done
ln /var/lib/drawn/file-1 /var/lib/drawn/below/same
ln -s file-2 /var/lib/drawn/link
chown -R 70001:80001 /var/lib/drawn
`

beforeAll(async () => {
  elementsPath = await withElements(work, {
    'draws/README.rst': 'draws',
    'draws/unreproducible': 'lock /var/lib/drawn holds what was drawn\n',
    'draws/install.d/50-draws': draws,
  })
  const made = await build('made', ['--lock', 'made.lock'])
  expect(made.exitCode, made.output).toBe(0)
  expect(made.output).not.toContain('Not reproducible')
})

const build = (name: string, args: readonly string[], env: Record<string, string> = {}) =>
  create(work, ['-n', '-o', name, '-t', 'raw,qcow2,tar', ...args, 'tiny-os', 'draws', 'block-device-mbr'], {
    ELEMENTS_PATH: elementsPath,
    SOURCE_DATE_EPOCH: '1700000000',
    ...env,
  })

/** Digests of an image's outputs. All images have the same name, which is part of what they are. */
const digests = (directory = '.') =>
  Promise.all(['raw', 'qcow2', 'tar'].map((type) => digestFile(join(work, directory, `made.${type}`))))

/** What was drawn for the image. */
const drawn = async (directory = '.') =>
  (await run(['tar', '-xOf', join(work, directory, 'made.tar'), './var/lib/drawn/file-3'])).stdout

/** Builds in a directory of its own. */
async function elsewhere(directory: string, args: readonly string[], env: Record<string, string> = {}) {
  await mkdir(join(work, directory))
  return await build(`${directory}/made`, args, env)
}

test('two builds differ, and say where', async () => {
  const { exitCode, output } = await elsewhere('plain', [])
  expect(exitCode, output).toBe(0)
  expect(output).toContain('Not reproducible: /var/lib/drawn holds what was drawn')
  expect(await drawn('plain')).not.toBe(await drawn())
})

test('a build from the lock has the same to the bit, with the content that lies beside the lock', async () => {
  const { generated } = await readLock(join(work, 'made.lock'))
  const { sha256 = '' } = generated['/var/lib/drawn'] ?? {}
  expect(await readdir(join(work, 'made.lock.d'))).toEqual([`${sha256}.tar.zst`])
  const { exitCode, output } = await elsewhere('locked', ['--locked', 'made.lock'], {
    USER: 'alice',
    TZ: 'Asia/Tokyo',
    FAVOURITE_COLOUR: 'green',
    DIB_NO_TMPFS: '1',
  })
  expect(exitCode, output).toBe(0)
  expect(output).toContain('/var/lib/drawn is what the lock keeps')
  expect(output).not.toContain('Not reproducible')
  expect(await digests('locked')).toEqual(await digests())
  expect(await leftovers(work)).toEqual([])
})

test('the lock travels with its directory, and without it nothing is begun', async () => {
  await mkdir(join(work, 'travel'))
  const lock = join(work, 'travel/it.lock')
  await copyFile(join(work, 'made.lock'), lock)
  const missing = await build('travel/made', ['--locked', lock])
  expect(missing).toMatchObject({ exitCode: 1 })
  expect(missing.output).toContain('Copy the directory')
  expect(missing.output).not.toContain('Building in')

  await cp(join(work, 'made.lock.d'), `${lock}.d`, { recursive: true })
  const there = await build('travel/made', ['--locked', lock])
  expect(there.exitCode, there.output).toBe(0)
  expect(await digests('travel')).toEqual(await digests())

  const [name = ''] = await readdir(`${lock}.d`)
  await writeFile(join(`${lock}.d`, name), 'something else')
  const damaged = await build('travel/made', ['--locked', lock])
  expect(damaged).toMatchObject({ exitCode: 1 })
  expect(damaged.output).toContain('is not what the lock names for /var/lib/drawn')
})

test('what the scripts do differently now is not undone: the build keeps its own, and says so', async () => {
  const { exitCode, output } = await elsewhere('changed', ['--locked', 'made.lock'], { SCHEMA: 'mine' })
  expect(exitCode, output).toBe(0)
  expect(output).toContain("WARNING: The lock's /var/lib/drawn is of other elements")
  expect(output).toContain('Not reproducible: /var/lib/drawn')
  expect(await drawn('changed')).toContain('mine')
})

test('a lock of an image from the cache names what is in that image', async () => {
  const first = await elsewhere('cached', ['--cache'])
  expect(first.exitCode, first.output).toBe(0)
  const before = await digests('cached')
  const second = await build('cached/made', ['--cache', '--lock', 'cached.lock'])
  expect(second.exitCode, second.output).toBe(0)
  expect(await digests('cached')).toEqual(before)
  const third = await elsewhere('from-cached', ['--locked', 'cached.lock'])
  expect(third.exitCode, third.output).toBe(0)
  expect(await digests('from-cached')).toEqual(before)
  // From the cache too, and another image than without the lock.
  const fourth = await build('from-cached/made', ['--cache', '--locked', 'made.lock'])
  expect(fourth.exitCode, fourth.output).toBe(0)
  expect(await digests('from-cached')).toEqual(await digests())
})

test('a new lock takes the place of the old, content and all', async () => {
  await cp(join(work, 'made.lock'), join(work, 'again.lock'))
  await cp(join(work, 'made.lock.d'), join(work, 'again.lock.d'), { recursive: true })
  await writeFile(join(work, 'again.lock.d/note'), 'mine')
  const { exitCode, output } = await elsewhere('again', ['--lock', 'again.lock'])
  expect(exitCode, output).toBe(0)
  const { generated } = await readLock(join(work, 'again.lock'))
  expect((await readdir(join(work, 'again.lock.d'))).sort()).toEqual(
    [`${generated['/var/lib/drawn']?.sha256}.tar.zst`, 'note'].sort(),
  )
  await rm(join(work, 'again'), { recursive: true })
})
