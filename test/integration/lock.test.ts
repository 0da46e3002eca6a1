import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseLock } from '../../builder/lock/parse-lock.ts'
import { run } from '../../lib/exec.ts'
import { sha256 } from '../../lib/hash.ts'
import { poolPath, publish } from '../unit/packages/archive.ts'
import { withElements } from './engine-elements.ts'
import { bin, create, workDirectory } from './harness.ts'
import { endKeyAgent, makeDeb, makeKey } from './stand-in-packages.ts'

// A root element that installs packages of a signed archive with this machine's apt: everything between the archive and
// the image is real, only the system is tiny.

const root = new URL('../..', import.meta.url).pathname
const work = await workDirectory()
const archive = join(work, 'served/debian')
const key = join(work, 'archive.asc')
let mirror: { readonly url: string; readonly server: Server; readonly requests: string[] }
let elementsPath: string
let events: string

const fromArchive = `#!/bin/bash
set -eu
set -o pipefail
build-input system stand-in one
apt=$TMP_BUILD_DIR/apt
mkdir -p "$apt"/{lists,archives}/partial "$TARGET_ROOT/etc/apt/preferences.d"
: >"$apt/status"
cat >"$apt/conf" <<END
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Etc "$TARGET_ROOT/etc/apt";
Acquire::Retries "0";
Acquire::Languages "none";
Acquire::Check-Valid-Until "true";
APT::Architecture "amd64";
APT::Sandbox::User "root";
END
echo "deb [signed-by=$ARCHIVE_KEY] $ARCHIVE_URL one main" >"$TARGET_ROOT/etc/apt/sources.list"
export APT_CONFIG=$apt/conf
apt-get update -o APT::Update::Error-Mode=any
apt-get install --assume-yes --download-only $ARCHIVE_PACKAGES
for deb in "$apt"/archives/*.deb; do
    dpkg-deb -x "$deb" "$TARGET_ROOT"
done
`

/** Publishes the archive with hello and other at a version, signed, valid for a week from its date. */
async function publishAt(version: string, date: Date): Promise<void> {
  const debs = join(work, 'debs')
  await mkdir(debs, { recursive: true })
  const packages = await Promise.all(
    ['hello', 'other'].map(async (name) => {
      const files = { [`usr/share/${name}/version`]: `${version}\n` }
      return { name, version, content: await readFile(await makeDeb(debs, { name, version, files })) }
    }),
  )
  await publish(archive, 'one', {
    date,
    validUntil: new Date(date.getTime() + 7 * 86_400_000),
    components: { main: packages },
    async sign(release) {
      const signed = await run(
        ['gpg', '--batch', '--quiet', '--homedir', join(work, 'gnupg'), '--clearsign'],
        { input: release },
      )
      return signed.stdout
    },
  })
}

/** Serves all that is below a directory. */
async function serve(directory: string): Promise<typeof mirror> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    readFile(join(directory, decodeURIComponent(request.url ?? ''))).then(
      (bytes) => response.writeHead(200, { 'content-length': bytes.length }).end(bytes),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, requests }
}

const build = (name: string, args: readonly string[], env: Record<string, string> = {}) =>
  create(
    work,
    ['-n', '-o', name, '-t', 'tar', ...args, 'tiny-os', 'from-archive', 'fake-packages', 'no-final-image'],
    {
      ELEMENTS_PATH: elementsPath,
      ARCHIVE_URL: `${mirror.url}/debian`,
      ARCHIVE_KEY: key,
      ARCHIVE_PACKAGES: 'hello',
      NOTE_URL: `${mirror.url}/note`,
      SOURCE: join(work, 'source'),
      ...env,
    },
  )

/** What is in the image: the package's version, the note and the source. */
const contentOf = async (name: string) =>
  await Promise.all(
    ['usr/share/hello/version', 'opt/note', 'opt/app/file'].map(async (path) =>
      (await run(['tar', '-xOf', join(work, `${name}.tar`), `./${path}`])).stdout.trim(),
    ),
  )

const git = (...args: string[]) =>
  run([
    ...(['git', '-C', join(work, 'source')] as const),
    ...['-c', 'user.name=N', '-c', 'user.email=n@example.org', ...args],
  ])
async function commit(text: string): Promise<void> {
  await writeFile(join(work, 'source/file'), text)
  await git('add', '.')
  await git('commit', '-qm', text)
}

const blobOf = (content: Uint8Array, cache: string) =>
  join(cache, 'packages/blobs/sha256', sha256(content).slice(0, 2), sha256(content))
const debOf = (version: string) => readFile(join(work, `debs/hello_${version}_all.deb`))

beforeAll(async () => {
  await writeFile(key, (await makeKey(join(work, 'gnupg'))).publicKey)
  await publishAt('1.0', new Date('2026-01-01T00:00:00Z'))
  await writeFile(join(work, 'served/note'), 'first note')
  await mkdir(join(work, 'source'))
  await git('init', '-q', '-b', 'main')
  await commit('first commit')
  mirror = await serve(join(work, 'served'))
  elementsPath = await withElements(work, {
    'from-archive/README.rst': 'from-archive',
    'from-archive/element-deps': 'source-repositories\n',
    'from-archive/root.d/50-build-with-http-cache': await readFile(
      `${root}builder/elements/dpkg/root.d/50-build-with-http-cache`,
      'utf8',
    ),
    'from-archive/root.d/60-from-archive': fromArchive,
    'from-archive/source-repository-from-archive':
      'app git /opt/app $SOURCE main\nnote file /opt/note $NOTE_URL\n',
  })
  // The archive is past its date from the beginning: only the build that makes the lock is told to look away.
  await withElements(work, { 'from-archive/root.d/55-relax': relax })
  const made = await build('made', ['--lock', 'made.lock', '--record', '--monitor', 'json'])
  expect(made.exitCode, made.output).toBe(0)
  events = made.stdout
  await rm(join(work, 'elements/from-archive/root.d/55-relax'))
}, 120_000)
afterAll(async () => {
  mirror.server.closeAllConnections()
  mirror.server.close()
  await endKeyAgent(join(work, 'gnupg'))
})

const relax = `#!/bin/bash
echo 'Acquire::Check-Valid-Until "false";' >"$TARGET_ROOT/etc/apt/apt.conf.d/99relax"
`
const firstContent = ['1.0', 'first note', 'first commit']

test('a lock names what the build took: packages, repositories, sources and downloads by digest', async () => {
  expect(await contentOf('made')).toEqual(firstContent)
  const lock = parseLock(await readFile(join(work, 'made.lock'), 'utf8'), 'made.lock')
  expect(lock).toMatchObject({
    distribution: 'stand-in',
    release: 'one',
    sourceDate: '2026-01-01T00:00:00Z',
    archives: { debian: `${mirror.url}/debian` },
    repositories: [{ path: 'dists/one/InRelease', origin: 'Test', date: '2026-01-01T00:00:00Z' }],
    packages: [{ name: 'hello', version: '1.0', architecture: 'all', suite: 'one', component: 'main' }],
    sources: [{ name: 'app', ref: 'main', revision: (await git('rev-parse', 'HEAD')).stdout.trim() }],
    downloads: [{ url: `${mirror.url}/note`, sha256: sha256('first note') }],
  })
  expect(lock.packages[0]?.sha256).toBe(sha256(await debOf('1.0')))
  // The image's record tells the same of what is no package.
  expect(JSON.parse(await readFile(join(work, 'made.d/manifest.json'), 'utf8'))).toMatchObject({
    sources: lock.sources,
    downloads: lock.downloads.map(({ url, sha256: digest }) => ({ kind: 'file', url, sha256: digest })),
  })
  expect((await readdir(work)).filter((name) => name.startsWith('coffer-inputs'))).toEqual([])
  const event = events.split('\n').find((text) => text.includes('"event":"lock"')) ?? ''
  expect(JSON.parse(event)).toEqual({
    event: 'lock',
    path: join(work, 'made.lock'),
    sha256: sha256(await readFile(join(work, 'made.lock'))),
    packages: 1,
    time: expect.any(Number),
  })
})

test('the archive moves on, and a build from the lock has what it had, without a word to anyone', async () => {
  await publishAt('2.0', new Date())
  await rm(join(archive, poolPath({ name: 'hello', version: '1.0' })))
  await writeFile(join(work, 'served/note'), 'second note')
  await commit('second commit')

  const now = await build('now', [])
  expect(now.exitCode, now.output).toBe(0)
  expect(await contentOf('now')).toEqual(['2.0', 'second note', 'second commit'])

  mirror.requests.length = 0
  const locked = await build('locked', ['--locked', 'made.lock'])
  expect(locked.exitCode, locked.output).toBe(0)
  expect(await contentOf('locked')).toEqual(firstContent)
  expect(mirror.requests).toEqual([])

  const offline = await build('offline', ['--locked', 'made.lock', '--offline'])
  expect(offline.exitCode, offline.output).toBe(0)
  expect(await contentOf('offline')).toEqual(firstContent)
})

test('what the cache has lost comes from a mirror that still has it, also under another address', async () => {
  const cache = join(work, 'cache-without-deb')
  await cp(join(work, 'cache'), cache, { recursive: true })
  const deb = await debOf('1.0')
  await rm(blobOf(deb, cache))
  const other = await serve(join(work, 'other'))
  const place = join(work, 'other/archive/debian/20260101', poolPath({ name: 'hello', version: '1.0' }))
  await mkdir(join(place, '..'), { recursive: true })
  await writeFile(place, deb)
  const env = {
    DIB_IMAGE_CACHE: cache,
    ARCHIVE_URL: `${other.url}/archive/debian/20260101`,
  }
  const result = await build('other', ['--locked', 'made.lock'], env)
  expect(result.exitCode, result.output).toBe(0)
  expect(await contentOf('other')).toEqual(firstContent)
  expect(other.requests).toEqual([`/archive/debian/20260101/${poolPath({ name: 'hello', version: '1.0' })}`])

  await rm(blobOf(deb, cache))
  await writeFile(place, `${deb.toString('latin1')}!`)
  const tampered = await build('tampered', ['--locked', 'made.lock'], env)
  expect(tampered.exitCode).not.toBe(0)
  expect(tampered.output).toContain('ERROR: The mirror has moved on: http://127.0.0.1')
  expect(tampered.output).toContain('use a snapshot mirror of its date, or make the lock anew')
  other.server.close()
  other.server.closeAllConnections()
})

test('a build that wants more than the lock names is told so', async () => {
  const result = await build('more', ['--locked', 'made.lock'], { ARCHIVE_PACKAGES: 'hello other' })
  expect(result.exitCode).not.toBe(0)
  expect(result.output).toMatch(/ERROR: .*other_1.0_all.deb is not in the lock - hint: .*make the lock anew/)
})

test('lock show and lock update tell what a lock names, and what it would name now', async () => {
  const command = (...args: string[]) =>
    run([bin('build-image'), 'lock', ...args, '--image-cache', join(work, 'cache')], {
      cwd: work,
      check: false,
      env: { PATH: process.env.PATH, HOME: work, no_proxy: '*' },
    })
  expect((await command('show', 'made.lock')).stdout).toContain('hello  1.0  all  debian one main\n')
  const shown = JSON.parse((await command('show', 'made.lock', '--json')).stdout)
  expect(shown).toMatchObject({ lockVersion: 1, sha256: sha256(await readFile(join(work, 'made.lock'))) })

  const update = await command('update', 'made.lock')
  expect(update.exitCode, update.stderr).toBe(0)
  expect(update.stdout).toContain('hello all  1.0 → 2.0\n')
  expect(update.stdout).toContain('1 of 1 packages changed')
  const changes = JSON.parse((await command('update', 'made.lock', '--json')).stdout)
  expect(changes).toMatchObject({ changed: true })
  expect(changes.changes.map(({ what }: { what: string }) => what)).toEqual([
    'repository',
    'package',
    'source',
    'download',
  ])
})

test('a lock of another system is refused before any work', async () => {
  const result = await build('refused', ['--locked', 'made.lock', '-a', 'arm64'])
  expect(result.exitCode).toBe(1)
  expect(result.output).toBe(
    'The lock is for the architecture amd64, and this build is for arm64\nhint: Make a lock of this build with --lock, or build what the lock was made for.\n',
  )
})
