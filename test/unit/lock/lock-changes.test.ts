import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Lock } from '../../../builder/lock/lock.ts'
import { lockChanges, revisionOf } from '../../../builder/lock/lock-changes.ts'
import { makeLock } from '../../../builder/lock/make-lock.ts'
import { packageFacts, releasesOf } from '../../../builder/lock/package-facts.ts'
import { showChanges, showLock } from '../../../builder/lock/show-lock.ts'
import type { Served } from '../../../builder/packages/pins.ts'
import { openStore } from '../../../builder/packages/store.ts'
import { run } from '../../../lib/exec.ts'
import { sha256 } from '../../../lib/hash.ts'
import { lineLog } from '../../../lib/log.ts'
import { type ArchivePackage, poolPath, publish, serveArchive } from '../packages/archive.ts'
import { through } from '../packages/origin.ts'
import { proxy, tempDir } from '../packages/setup.ts'
import { example } from './example.ts'

const january = new Date('2026-01-01T00:00:00Z')
const february = new Date('2026-02-01T00:00:00Z')
const hello = (version: string): ArchivePackage => ({ name: 'hello', version, architecture: 'amd64' })
const kept: ArchivePackage = { name: 'kept', version: '1.0' }
const gone: ArchivePackage = { name: 'gone', version: '1.0' }

/** An archive, a download beside it, and the lock of a build that took from them. */
async function locked(): Promise<{ directory: string; url: string; cacheDir: string; lock: Lock }> {
  const directory = await tempDir()
  await publish(directory, 'bookworm', { date: january, components: { main: [hello('1.0'), kept, gone] } })
  await writeFile(join(directory, 'file.tar'), 'old')
  const { url } = await serveArchive(directory)
  const served: Served[] = []
  const running = await proxy({ onServed: (answer) => served.push(answer) })
  const paths = ['dists/bookworm/InRelease', 'dists/bookworm/main/binary-amd64/Packages.gz']
  for (const path of [...paths, ...[hello('1.0'), kept, gone].map(poolPath)]) {
    await through(running.url, `${url}/${path}`)
  }
  await running.close()
  const store = await openStore(running.cacheDir)
  const lock = makeLock({
    builder: '0.1.0',
    architecture: 'amd64',
    distribution: 'debian',
    release: 'bookworm',
    sourceDate: undefined,
    served,
    recorded: [{ kind: 'file', url: `${url}/file.tar`, sha256: sha256('old'), size: 3 }],
    releases: await releasesOf(served, store),
    packages: await packageFacts(served, store, running.cacheDir),
  })
  return { directory, url, cacheDir: running.cacheDir, lock }
}

const look = (lock: Lock, cacheDir: string, env: Record<string, string> = {}) =>
  lockChanges(lock, {
    cacheDir,
    offline: false,
    upstreamProxy: {},
    retry: { attempts: 1, delayMs: 1 },
    log: lineLog(() => undefined),
    env: { PATH: process.env.PATH ?? '', ...env },
  })

test('a lock of a moment ago has no changes', async () => {
  const { lock, cacheDir } = await locked()
  expect(await look(lock, cacheDir)).toEqual([])
  expect(showChanges(lock, [], 'x.lock')).toBe('Nothing has changed: a lock made now would name the same.\n')
})

test('what moved on is named, with what it was and what it is', async () => {
  const { lock, cacheDir, directory, url } = await locked()
  await publish(directory, 'bookworm', { date: february, components: { main: [hello('1.1'), kept] } })
  await writeFile(join(directory, 'file.tar'), 'new')
  const changes = await look(lock, cacheDir)
  expect(changes).toEqual([
    {
      what: 'repository',
      name: '127.0.0.1 dists/bookworm/InRelease',
      locked: '2026-01-01T00:00:00Z',
      now: '2026-02-01T00:00:00Z',
    },
    { what: 'package', name: 'hello amd64', locked: '1.0', now: '1.1' },
    { what: 'package', name: 'gone all', locked: '1.0' },
    { what: 'download', name: `${url}/file.tar`, locked: sha256('old'), now: sha256('new') },
  ])
  const text = showChanges(lock, changes, 'x.lock')
  expect(text).toContain('hello amd64  1.0 → 1.1\n')
  expect(text).toMatch(/gone all +1\.0 → gone\n/)
  expect(text).toContain('2 of 3 packages changed. To take this in, build with --lock x.lock')
})

test('the mirror that the environment names is asked in place of the lock’s', async () => {
  const { lock, cacheDir, url } = await locked()
  const elsewhere = { ...lock, archives: { '127.0.0.1': 'http://127.0.0.1:9' } }
  expect((await look(elsewhere, cacheDir))[0]?.problem).toContain('could not be reached')
  expect(await look(elsewhere, cacheDir, { DIB_DISTRIBUTION_MIRROR: url })).toEqual([])
})

test('what cannot be asked is told apart from what has not changed', async () => {
  const lock: Lock = {
    ...example,
    archives: {},
    repositories: [],
    indexes: [],
    absent: [],
    packages: [],
    sources: [{ name: 'app', location: '/no/such/repository', ref: 'main', revision: '1'.repeat(40) }],
    downloads: [
      { url: 'ftp://h.example/x', sha256: 'a'.repeat(64), size: 1 },
      { url: 'file:db2.tar.gz', sha256: 'a'.repeat(64), size: 1 },
    ],
  }
  const changes = await look(lock, await tempDir())
  expect(changes.map(({ name, problem }) => `${name}: ${problem}`)).toEqual([
    expect.stringMatching(/^app main: .*/),
    'ftp://h.example/x: only http and https can be asked',
  ])
  expect(showChanges(lock, changes, 'x.lock')).toContain('Nothing else has changed.')
})

describe('a source repository', () => {
  test('is asked where its branch is', async () => {
    const directory = await tempDir()
    const git = (...args: string[]) =>
      run(['git', '-C', directory, '-c', 'user.name=N', '-c', 'user.email=n@example.org', ...args])
    await git('init', '-q', '-b', 'main')
    await git('commit', '-q', '--allow-empty', '-m', 'one')
    const one = (await git('rev-parse', 'HEAD')).stdout.trim()
    const lock = (ref: string): Lock => ({
      ...example,
      archives: {},
      repositories: [],
      indexes: [],
      absent: [],
      packages: [],
      downloads: [],
      sources: [{ name: 'app', location: directory, ref, revision: one }],
    })
    const cache = await tempDir()
    await git('tag', '-a', 'v1', '-m', 'v1')
    await git('commit', '-q', '--allow-empty', '-m', 'two')
    const two = (await git('rev-parse', 'HEAD')).stdout.trim()
    expect(await look(lock('main'), cache)).toEqual([
      { what: 'source', name: 'app main', locked: one, now: two },
    ])
    for (const ref of ['v1', one]) expect(await look(lock(ref), cache)).toEqual([])
    expect(await look(lock('*'), cache)).toMatchObject([{ now: two }])
    expect(await look(lock('dropped'), cache)).toEqual([{ what: 'source', name: 'app dropped', locked: one }])
  })

  test.each([
    ['a branch goes before a tag', 'a\trefs/tags/x\nb\trefs/heads/x\n', 'b'],
    ['a tag stands for its commit', 'a\trefs/tags/x\nb\trefs/tags/x^{}\n', 'b'],
    ['nothing is nothing', '', undefined],
  ])('%s', (_, listing, revision) => {
    expect(revisionOf(listing, 'x')).toBe(revision)
  })
})

test('a lock can be read by a person', () => {
  expect(showLock(example, 'f00')).toBe(`system       debian bookworm amd64
source date  2026-01-31T12:00:00Z
made by      coffer 0.1.0
sha256       f00

Repositories
  http://mirror.example/debian/dists/bookworm/InRelease   Debian  2026-01-31T12:00:00Z
  https://vendor.example/ps/apt/dists/bookworm/InRelease

Packages (2)
  libstdc++6  12.2.0-14+deb12u1  amd64  debian bookworm main
  adduser     3.134              all    debian bookworm main

Sources
  app  main  ${'1'.repeat(40)}  https://git.example/app.git

Downloads
  ${'f'.repeat(64)}  https://vendor.example/key.asc

Generated
  ${'0'.repeat(64)}  /var/lib/mysql
`)
})
