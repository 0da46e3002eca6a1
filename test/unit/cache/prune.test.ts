import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openBuildCache } from '../../../builder/cache/build-cache.ts'
import { cacheLayout } from '../../../builder/cache/layout.ts'
import { cacheEntries, pruneSteps } from '../../../builder/cache/prune.ts'
import { sha256 } from '../../../lib/hash.ts'
import { livingBuild } from './other-process.ts'
import { cacheDirectory, metaOf, putLayer, stepOf } from './samples.ts'

const MiB = 1024 ** 2

/** Puts a layer of a step that was used that many minutes ago. */
async function put(directory: string, name: string, minutes: number, bytes = MiB): Promise<void> {
  const layer = await putLayer(directory, metaOf(sha256('start'), stepOf({ name })), {
    't/x': 'x'.repeat(bytes),
  })
  const used = new Date(Date.now() - minutes * 60_000)
  await utimes(join(cacheLayout(directory).layer(layer.name), 'meta.json'), used, used)
}

/** Puts an image that was used that many minutes ago. */
async function putImage(directory: string, name: string, minutes: number, bytes = MiB): Promise<void> {
  const path = join(cacheLayout(directory).artifacts, sha256(name).slice(0, 32))
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'image.raw'), 'x'.repeat(bytes))
  const outputs = [{ suffix: '.raw', format: 'raw', bytes, sha256: sha256('x'.repeat(bytes)) }]
  const meta = { artifactVersion: 1, key: sha256(name), outputs, created: '', bootId: '' }
  await writeFile(join(path, 'meta.json'), JSON.stringify(meta))
  const used = new Date(Date.now() - minutes * 60_000)
  await utimes(join(path, 'meta.json'), used, used)
}

const what = async (directory: string) => (await cacheEntries(directory)).map((entry) => entry.what)

test('layers and images are listed together, last used first', async () => {
  const directory = await cacheDirectory()
  await put(directory, '10-old', 30)
  await putImage(directory, 'image', 20)
  await put(directory, '20-recent', 10)
  const entries = await cacheEntries(directory)
  expect(entries.map((entry) => [entry.kind, entry.what, entry.element, entry.seconds])).toEqual([
    ['layer', 'install.d/20-recent', 'app', 1],
    ['image', 'raw', '', 0],
    ['layer', 'install.d/10-old', 'app', 1],
  ])
  for (const { bytes } of entries) {
    expect(bytes).toBeGreaterThanOrEqual(MiB)
    expect(bytes).toBeLessThan(MiB + 64 * 1024)
  }
})

test('how much an entry takes is counted once, since what lies in the cache never changes', async () => {
  const directory = await cacheDirectory()
  await put(directory, '10-a', 10)
  const [counted] = await cacheEntries(directory)
  const { layer } = cacheLayout(directory)
  await writeFile(join(layer(counted?.name ?? ''), 't', 'more'), 'x'.repeat(MiB))
  expect(await cacheEntries(directory)).toEqual([counted])
  // What says nothing that can be understood does not count.
  await writeFile(join(layer(counted?.name ?? ''), 'bytes'), 'many')
  const [again] = await cacheEntries(directory)
  expect(again?.bytes).toBeGreaterThanOrEqual(2 * MiB)
})

test('what was not used for longest goes first, until the rest fits', async () => {
  const directory = await cacheDirectory()
  await put(directory, '10-a', 40)
  await putImage(directory, 'image', 30)
  await put(directory, '20-b', 20)
  await put(directory, '30-c', 10)
  const gone = await pruneSteps(directory, 2.5 * MiB)
  expect(gone.map((entry) => entry.what)).toEqual(['raw', 'install.d/10-a'])
  expect(await what(directory)).toEqual(['install.d/30-c', 'install.d/20-b'])
  expect(await pruneSteps(directory, 2.5 * MiB)).toEqual([])
})

test('a large entry takes nothing with it that was used later', async () => {
  const directory = await cacheDirectory()
  await put(directory, '10-small', 30)
  await put(directory, '20-large', 20, 4 * MiB)
  await put(directory, '30-small', 10)
  await pruneSteps(directory, 3 * MiB)
  expect(await what(directory)).toEqual(['install.d/30-small'])
})

test('what cannot be understood any more goes first of all', async () => {
  const directory = await cacheDirectory()
  await put(directory, '10-a', 10)
  const layout = cacheLayout(directory)
  for (const path of [layout.layer('0123-45'), join(layout.artifacts, 'beef')]) {
    await mkdir(path, { recursive: true })
    await writeFile(join(path, 'meta.json'), '{')
  }
  expect(await what(directory)).toEqual(['install.d/10-a', 'unreadable', 'unreadable'])
  const [sound] = await cacheEntries(directory)
  const gone = await pruneSteps(directory, sound?.bytes ?? 0)
  expect(gone.map(({ name }) => name).toSorted()).toEqual(['0123-45', 'beef'])
  expect(await what(directory)).toEqual(['install.d/10-a'])
})

test('0 empties it; nothing is no mistake', async () => {
  const directory = await cacheDirectory()
  await put(directory, '10-a', 10)
  await putImage(directory, 'image', 20)
  expect(await pruneSteps(directory, 0)).toHaveLength(2)
  expect(await cacheEntries(directory)).toEqual([])
  expect(await pruneSteps(join(directory, 'none'), 0)).toEqual([])
})

test('nothing is deleted while another build runs, which may stand on it', async () => {
  const directory = await cacheDirectory()
  await put(directory, '10-a', 10)
  const build = await livingBuild(directory)
  expect(await pruneSteps(directory, 0)).toEqual([])
  await build.end()
  expect(await pruneSteps(directory, 0)).toHaveLength(1)
})

test("a build prunes at its own end, when it is not 'another'", async () => {
  const directory = await cacheDirectory()
  await put(directory, '10-a', 10)
  const own = await openBuildCache(directory)
  expect(await pruneSteps(directory, 0)).toHaveLength(1)
  await own.close()
})
