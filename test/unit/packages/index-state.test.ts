import { expect, onTestFinished, test } from 'vitest'
import { packageIndex, packageKey } from '../../../builder/packages/index-state.ts'
import type { Served } from '../../../builder/packages/pins.ts'
import { lineLog } from '../../../lib/log.ts'
import { type ArchivePackage, poolPath, publish, type Suite, serveArchive } from './archive.ts'
import { type Origin, through } from './origin.ts'
import { proxy, tempDir } from './setup.ts'

const january = new Date('2026-01-01T00:00:00Z')
const february = new Date('2026-02-01T00:00:00Z')
const hello = (version: string): ArchivePackage => ({ name: 'hello', version, architecture: 'amd64' })
const data: ArchivePackage = { name: 'hello-data', version: '1.0' }

/** A build that fetched Release files and indexes of suites as apt does, and its archive. */
interface Built {
  readonly directory: string
  readonly cacheDir: string
  readonly mirror: Origin
  readonly served: readonly Served[]
}

async function build(suites: Readonly<Record<string, Suite>>): Promise<Built> {
  const directory = await tempDir()
  const mirror = await serveArchive(directory)
  const served: Served[] = []
  const running = await proxy({ onServed: (answer) => served.push(answer) })
  for (const [name, suite] of Object.entries(suites)) {
    await publish(directory, name, suite)
    const release = (await through(running.url, `${mirror.url}/dists/${name}/InRelease`)).text
    for (const [, digest, place] of release.matchAll(/^ ([0-9a-f]{64}) \d+ (.*)\/Packages.gz$/gm)) {
      await through(running.url, `${mirror.url}/dists/${name}/${place}/by-hash/SHA256/${digest}`)
    }
  }
  await running.settled()
  await running.close()
  mirror.requests.length = 0
  return { directory, cacheDir: running.cacheDir, mirror, served }
}

async function look({ cacheDir, served }: Built, offline = false) {
  const index = await packageIndex({
    cacheDir,
    served,
    offline,
    upstreamProxy: {},
    retry: { attempts: 1, delayMs: 1 },
    log: lineLog(() => undefined),
  })
  onTestFinished(index.close)
  return index
}

const wanted = [
  { name: 'hello', architecture: 'amd64' },
  { name: 'hello-data', architecture: 'all' },
]

test('one conditional request for each repository tells that nothing has changed', async () => {
  const suite = { date: january, components: { main: [hello('1.0'), data] } }
  const built = await build({ stable: suite, 'stable-updates': suite })
  const index = await look(built)
  expect(await index.state()).toBe('unchanged')
  expect(built.mirror.requests.sort()).toEqual([
    'GET /dists/stable-updates/InRelease',
    'GET /dists/stable/InRelease',
  ])
  expect(built.mirror.seen.at(-1)).toMatchObject({ 'if-none-match': expect.stringMatching(/^"/) })
  const candidates = await index.candidates(wanted)
  expect(candidates.get('hello:amd64')).toMatchObject({ version: '1.0', file: poolPath(hello('1.0')) })
  expect(built.mirror.requests).toHaveLength(2)
})

test('in a suite that changed, each package has its new candidate or none', async () => {
  const built = await build({
    stable: { date: january, components: { main: [hello('1.9'), data], contrib: [] } },
  })
  await publish(built.directory, 'stable', {
    date: february,
    components: { main: [hello('1.9')], contrib: [hello('1.10~rc1'), hello('1.10')] },
  })
  const index = await look(built)
  expect(await index.state()).toBe('changed')
  expect((await index.repositories())[0]?.release?.date).toEqual(february)
  const candidates = await index.candidates(wanted)
  expect(candidates.get(packageKey({ name: 'hello', architecture: 'amd64' }))?.version).toBe('1.10')
  expect(candidates.has('hello-data:all')).toBe(false)
})

test('a package published again under its version is another candidate', async () => {
  const again = { ...hello('1.0'), content: Buffer.from('rebuilt') }
  const built = await build({ stable: { date: january, components: { main: [hello('1.0')] } } })
  const before = (await (await look(built)).candidates(wanted)).get('hello:amd64')
  await publish(built.directory, 'stable', { date: february, components: { main: [again] } })
  const after = (await (await look(built)).candidates(wanted)).get('hello:amd64')
  expect(after?.version).toBe(before?.version)
  expect(after?.sha256).not.toBe(before?.sha256)
})

test('a suite that apt takes nothing from by itself counts only where no other has the package', async () => {
  const built = await build({
    stable: { date: january, components: { main: [hello('1.0')] } },
    backports: { date: january, notAutomatic: true, components: { main: [hello('2.0'), data] } },
  })
  const candidates = await (await look(built)).candidates(wanted)
  expect(candidates.get('hello:amd64')?.version).toBe('1.0')
  expect(candidates.get('hello-data:all')?.version).toBe('1.0')
})

test('a package that becomes one for all architectures is still found', async () => {
  const built = await build({ stable: { date: january, components: { main: [hello('1.0'), data] } } })
  await publish(built.directory, 'stable', {
    date: february,
    components: {
      main: [
        { name: 'hello', version: '1.1' },
        { ...data, version: '1.1', architecture: 'amd64' },
      ],
    },
  })
  const candidates = await (await look(built)).candidates(wanted)
  expect([...candidates].map(([key, { version }]) => `${key} ${version}`)).toEqual([
    'hello:amd64 1.1',
    'hello-data:all 1.1',
  ])
})

test('a mirror that cannot be asked leaves the state unknown, with the reason', async () => {
  const built = await build({ stable: { date: january, components: { main: [hello('1.0')] } } })
  await built.mirror.close()
  const index = await look(built)
  expect(await index.state()).toBe('unknown')
  expect((await index.repositories())[0]?.problem).toContain('could not be reached')
})

test('offline, the stored state counts', async () => {
  const built = await build({ stable: { date: january, components: { main: [hello('1.0')] } } })
  await publish(built.directory, 'stable', { date: february, components: { main: [] } })
  const index = await look(built, true)
  expect(await index.state()).toBe('unchanged')
  expect(built.mirror.requests).toEqual([])
})

test('an index in the middle of an update is an error that may pass', async () => {
  const built = await build({ stable: { date: january, components: { main: [hello('1.0')] } } })
  await publish(built.directory, 'stable', { date: february, components: { main: [hello('1.1')] } })
  const index = await look(built)
  expect(await index.state()).toBe('changed')
  await publish(built.directory, 'stable', { date: february, components: { main: [hello('1.2')] } })
  await expect(index.candidates(wanted)).rejects.toMatchObject({ code: 'INDEX_UNAVAILABLE', retryable: true })
})
