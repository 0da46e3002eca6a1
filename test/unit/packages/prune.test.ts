import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { entryKey } from '../../../builder/packages/policy.ts'
import { pruneStore, storeUsage } from '../../../builder/packages/prune.ts'
import { openStore } from '../../../builder/packages/store.ts'
import { sha256 } from '../../../lib/hash.ts'
import { tempDir } from './setup.ts'

const address = (name: string) => `http://mirror.example/pool/${name}.deb`

/** Puts `size` bytes for a URL into a store, last used `age` minutes ago. */
async function put(directory: string, name: string, size: number, age: number): Promise<void> {
  const store = await openStore(directory)
  const content = name.padEnd(size, '.').slice(0, size)
  const temp = await store.createTemp()
  await temp.handle.writeFile(content)
  const key = entryKey(address(name), undefined)
  store.commit(key, temp, {
    url: address(name),
    digest: sha256(content),
    size,
    fetched: new Date().toISOString(),
  })
  await temp.handle.close()
  const used = new Date(Date.now() - age * 60_000)
  await utimes(join(directory, 'entries', key.slice(0, 2), `${key}.json`), used, used)
}

async function has(directory: string, name: string): Promise<boolean> {
  const store = await openStore(directory)
  const entry = store.find(entryKey(address(name), undefined))
  const blob = entry === undefined ? undefined : await store.openBlob(entry)
  await blob?.close()
  return blob !== undefined
}

test('pruning keeps what was used last', async () => {
  const directory = await tempDir()
  await put(directory, 'old', 1000, 30)
  await put(directory, 'recent', 1000, 5)
  await put(directory, 'middle', 1000, 20)
  expect(await storeUsage(directory)).toEqual({ bytes: 3000, blobs: 3, entries: 3 })
  expect(await pruneStore(directory, { maxBytes: 2500 })).toEqual({
    removedBytes: 1000,
    removedBlobs: 1,
    bytes: 2000,
  })
  expect([
    await has(directory, 'old'),
    await has(directory, 'middle'),
    await has(directory, 'recent'),
  ]).toEqual([false, true, true])
  expect(await storeUsage(directory)).toEqual({ bytes: 2000, blobs: 2, entries: 2 })
})

test('using an entry makes it young again', async () => {
  const directory = await tempDir()
  await put(directory, 'first', 1000, 30)
  await put(directory, 'second', 1000, 20)
  const store = await openStore(directory)
  store.touch(entryKey(address('first'), undefined))
  await pruneStore(directory, { maxBytes: 1000 })
  expect([await has(directory, 'first'), await has(directory, 'second')]).toEqual([true, false])
})

test('an empty or missing store has no use', async () => {
  const directory = join(await tempDir(), 'missing')
  expect(await storeUsage(directory)).toEqual({ bytes: 0, blobs: 0, entries: 0 })
  expect(await pruneStore(directory, { maxBytes: 0 })).toEqual({ removedBytes: 0, removedBlobs: 0, bytes: 0 })
})

test('what killed processes left is swept once it is old; what may be live stays', async () => {
  const directory = await tempDir()
  await put(directory, 'kept', 100, 0)
  const long = new Date(Date.now() - 3_600_000)
  const orphan = join(directory, 'blobs/sha256/00', '0'.repeat(64))
  await mkdir(join(directory, 'blobs/sha256/00'), { recursive: true })
  for (const path of [join(directory, 'tmp/dead'), join(directory, 'tmp/live'), orphan])
    await writeFile(path, 'x')
  for (const path of [join(directory, 'tmp/dead'), orphan]) await utimes(path, long, long)
  await pruneStore(directory, { maxBytes: 1_000_000 })
  expect(await readdir(join(directory, 'tmp'))).toEqual(['live'])
  await expect(stat(orphan)).rejects.toThrow('ENOENT')
  expect(await has(directory, 'kept')).toBe(true)
})

test('a content that is held outlasts its address having another one', async () => {
  const directory = await tempDir()
  await put(directory, 'held', 1000, 30)
  await put(directory, 'dropped', 1000, 30)
  const [held, dropped] = ['held', 'dropped'].map((name) => sha256(name.padEnd(1000, '.')))
  const store = await openStore(directory)
  store.hold({ url: address('held'), digest: held ?? '', size: 1000 })
  for (const name of ['held', 'dropped']) {
    const temp = await store.createTemp()
    await temp.handle.writeFile(`new ${name}`)
    await temp.handle.close()
    const entry = { url: address(name), digest: sha256(`new ${name}`), size: 4 + name.length, fetched: '' }
    store.commit(entryKey(address(name), undefined), temp, entry)
  }
  for (const digest of [held, dropped]) {
    const long = new Date(Date.now() - 60 * 60_000)
    await utimes(store.blobPath(digest ?? ''), long, long)
  }
  await pruneStore(directory, { maxBytes: 1e6 })
  expect(await stat(store.blobPath(held ?? ''))).toMatchObject({ size: 1000 })
  await expect(stat(store.blobPath(dropped ?? ''))).rejects.toThrow('ENOENT')
})
