import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLayers } from '../../../builder/cache/layers.ts'
import { cacheLayout, layerName } from '../../../builder/cache/layout.ts'
import { parseLayerMeta } from '../../../builder/cache/parse-meta.ts'
import { sha256 } from '../../../lib/hash.ts'
import { cacheDirectory, metaOf, putLayer, stepOf } from './samples.ts'

const start = sha256('start')

test('a layer that was committed is found by its inputs, whole', async () => {
  const directory = await cacheDirectory()
  const meta = metaOf(start)
  const layer = await putLayer(directory, meta)
  expect(layer).toEqual({ name: layerName(meta.preKey, meta.key), meta })
  expect(await openLayers(directory).find(meta.preKey)).toEqual([layer])
  expect(await readFile(join(cacheLayout(directory).layer(layer.name), 't/etc/motd'), 'utf8')).toBe('hello\n')
  expect(await readdir(cacheLayout(directory).builds)).toEqual([])
})

test('other users cannot look into it', async () => {
  const directory = await cacheDirectory()
  const { name } = await putLayer(directory, metaOf(start))
  const layout = cacheLayout(directory)
  expect((await stat(layout.layers)).mode & 0o777).toBe(0o700)
  expect((await stat(join(layout.layer(name), 'meta.json'))).mode & 0o777).toBe(0o600)
})

test('of two builds that commit one step, both go on with the result that was there first', async () => {
  const directory = await cacheDirectory()
  const meta = metaOf(start)
  const layers = await Promise.all(
    ['one', 'two', 'three'].map((text) =>
      putLayer(directory, { ...meta, seconds: text.length }, { 't/x': text }),
    ),
  )
  expect(new Set(layers.map(({ name }) => name)).size).toBe(1)
  const layout = cacheLayout(directory)
  expect(await readdir(layout.layers)).toEqual([layers[0]?.name])
  expect(await readdir(layout.builds)).toEqual([])
  const kept = await readFile(join(layout.layer(layers[0]?.name ?? ''), 't/x'), 'utf8')
  const [found] = await openLayers(directory).find(meta.preKey)
  expect(found?.meta.seconds).toBe(kept.length)
})

test('two results of one step whose short names are the same are kept apart', async () => {
  const directory = await cacheDirectory()
  const step = stepOf({ never: true })
  const key = sha256('a run')
  const other = `${key.slice(0, 6)}${sha256('another run').slice(6)}`
  const first = await putLayer(directory, metaOf(start, step, { key }), { 't/x': 'first' })
  const second = await putLayer(directory, metaOf(start, step, { key: other }), { 't/x': 'second' })
  expect(second.meta.key).toBe(other)
  expect(second.name).not.toBe(first.name)
  expect(await readFile(join(cacheLayout(directory).layer(second.name), 't/x'), 'utf8')).toBe('second')
  expect(await openLayers(directory).find(first.meta.preKey)).toHaveLength(2)
})

test('a layer that cannot be understood is as if it were not there, and is replaced', async () => {
  const directory = await cacheDirectory()
  const meta = metaOf(start)
  const path = cacheLayout(directory).layer(layerName(meta.preKey, meta.key))
  const store = openLayers(directory)
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"layerVersion":2}',
    JSON.stringify({ ...meta, layerVersion: 9 }),
  ]) {
    await mkdir(path, { recursive: true })
    await writeFile(join(path, 'meta.json'), text)
    expect(await store.find(meta.preKey), text).toEqual([])
    expect(await store.list(), text).toEqual([])
  }
  await putLayer(directory, meta)
  expect(await store.find(meta.preKey)).toHaveLength(1)
})

test.each([
  ['key', '../../../etc'],
  ['preKey', 1],
  ['phase', null],
  ['inputs', ['x']],
  ['inputs', { script: 1 }],
  ['served', [{ url: 1, status: 200 }]],
  ['served', 'x'],
  ['recorded', [null]],
  ['created', 5],
  ['bootId', undefined],
  ['tree', 'yes'],
  ['never', 0],
  ['output', { path: '/etc' }],
])('a meta.json whose %s is %j is none', (field, value) => {
  expect(parseLayerMeta(JSON.stringify(metaOf(start)))).toEqual(metaOf(start))
  expect(parseLayerMeta(JSON.stringify({ ...metaOf(start), [field]: value }))).toBeUndefined()
})

test('the list begins with what was used last; a layer that has gone cannot be used', async () => {
  const directory = await cacheDirectory()
  const store = openLayers(directory)
  const one = await putLayer(directory, metaOf(start, stepOf({ name: '10-a' })))
  const two = await putLayer(directory, metaOf(start, stepOf({ name: '20-b' })))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(await store.touch(one.name)).toBe(true)
  expect((await store.list()).map(({ name }) => name)).toEqual([one.name, two.name])
  await store.remove(one.name)
  expect(await store.touch(one.name)).toBe(false)
  expect((await store.list()).map(({ name }) => name)).toEqual([two.name])
})
