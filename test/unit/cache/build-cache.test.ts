import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openBuildCache, whileUnused } from '../../../builder/cache/build-cache.ts'
import { cacheLayout } from '../../../builder/cache/layout.ts'
import { ownMark } from '../../../builder/cache/owner.ts'
import { livingBuild, livingPruner } from './other-process.ts'
import { cacheDirectory } from './samples.ts'

const DAY_MS = 24 * 3600 * 1000

test('a build gets a directory of its own, which goes when it ends', async () => {
  const directory = await cacheDirectory()
  const [one, two] = [
    await openBuildCache(join(directory, 'steps')),
    await openBuildCache(join(directory, 'steps')),
  ]
  expect(one.drafts).not.toBe(two.drafts)
  const { builds } = cacheLayout(one.directory)
  expect(await readdir(builds)).toHaveLength(2)
  expect((await stat(builds)).mode & 0o777).toBe(0o700)
  await one.close()
  await two.close()
  expect(await readdir(builds)).toEqual([])
  expect((await readdir(one.directory)).filter((name) => name.startsWith('new-'))).toEqual([])
})

test('what the package proxy served is noted at once', async () => {
  const cache = await openBuildCache(await cacheDirectory())
  cache.noteServed({ url: 'http://mirror.example/a.deb', digest: '00', status: 200 })
  cache.noteServed({ url: 'http://mirror.example/b', status: 404 })
  const lines = (await readFile(cache.served, 'utf8')).split('\n')
  expect(lines.slice(0, -1).map((line) => JSON.parse(line).status)).toEqual([200, 404])
  await cache.close()
})

test('directories of builds that died are swept, those of living ones stay', async () => {
  const directory = await cacheDirectory()
  const { builds } = cacheLayout(directory)
  const [dead, living] = [await livingBuild(directory), await livingBuild(directory)]
  await writeFile(join(dead.drafts, 'half-written'), 'x')
  await dead.end()
  const own = await openBuildCache(directory)
  expect((await readdir(builds)).map((name) => join(builds, name)).toSorted()).toEqual(
    [living.drafts, own.drafts].toSorted(),
  )
  await own.close()
})

test('so are those without an owner, of another boot, and of another process with the same number', async () => {
  const directory = await cacheDirectory()
  const { builds } = cacheLayout(directory)
  const [pid, start, boot, namespace] = (await ownMark()).split('_')
  const marks = ['', 'nonsense', `${pid}_${start}_another-boot_${namespace}`, `${pid}_1_${boot}_${namespace}`]
  for (const [at, mark] of marks.entries()) {
    await mkdir(join(builds, String(at)), { recursive: true })
    await writeFile(join(builds, String(at), 'owner'), mark)
  }
  await (await openBuildCache(directory)).close()
  expect(await readdir(builds)).toEqual([])
})

test('a build of another container cannot be seen: it is taken to live for a day', async () => {
  const directory = await cacheDirectory()
  const { builds } = cacheLayout(directory)
  const [, start, boot] = (await ownMark()).split('_')
  for (const [name, age] of [
    ['recent', DAY_MS / 2],
    ['old', DAY_MS * 2],
  ] as const) {
    await mkdir(join(builds, name), { recursive: true })
    await writeFile(join(builds, name, 'owner'), `7_${start}_${boot}_4242`)
    const written = new Date(Date.now() - age)
    await utimes(join(builds, name), written, written)
  }
  await (await openBuildCache(directory)).close()
  expect(await readdir(builds)).toEqual(['recent'])
  expect(await whileUnused(directory, async () => true)).toBeUndefined()
})

test('a directory that was being made when its build was killed goes after a minute', async () => {
  const directory = await cacheDirectory()
  await mkdir(join(directory, 'new-recent'))
  await mkdir(join(directory, 'new-old'))
  const written = new Date(Date.now() - 120_000)
  await utimes(join(directory, 'new-old'), written, written)
  await (await openBuildCache(directory)).close()
  const left = (await readdir(directory)).filter((name) => name.startsWith('new-'))
  expect(left).toEqual(['new-recent'])
})

test('nothing is deleted while a build lives; when it was killed, that is no hindrance', async () => {
  const directory = await cacheDirectory()
  const build = await livingBuild(directory)
  expect(await whileUnused(directory, async () => 'deleted')).toBeUndefined()
  await build.end()
  expect(await whileUnused(directory, async () => 'deleted')).toBe('deleted')
})

test('a build waits while another process deletes, also when that is killed, and a second one has ended', async () => {
  const directory = await cacheDirectory()
  const pruner = await livingPruner(directory)
  expect(await whileUnused(directory, async () => 'deleted as well')).toBe('deleted as well')
  let opened = false
  const opening = openBuildCache(directory).then((cache) => {
    opened = true
    return cache
  })
  await new Promise((resolve) => setTimeout(resolve, 250))
  expect(opened).toBe(false)
  await pruner.end()
  await (await opening).close()
  expect(await readdir(join(directory, 'pruners'))).toHaveLength(1)
  await (await openBuildCache(directory)).close()
  expect(await readdir(join(directory, 'pruners'))).toEqual([])
})

test('the claim goes when the deletion fails', async () => {
  const directory = await cacheDirectory()
  const failing = whileUnused(directory, () => Promise.reject(new Error('no')))
  await expect(failing).rejects.toThrow('no')
  expect(await readdir(join(directory, 'pruners'))).toEqual([])
})
