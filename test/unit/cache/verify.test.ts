import { chmod, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Artifact, draftArtifact, keepArtifact } from '../../../builder/cache/artifacts.ts'
import { keepContent } from '../../../builder/cache/content.ts'
import { cacheLayout } from '../../../builder/cache/layout.ts'
import { verifySteps } from '../../../builder/cache/verify.ts'
import { sha256 } from '../../../lib/hash.ts'
import { flipByte } from './flip-byte.ts'
import { cacheDirectory, metaOf, putLayer, stepOf } from './samples.ts'

/** A cache of two layers that have been described and an image. */
async function filledCache() {
  const directory = await cacheDirectory()
  const layout = cacheLayout(directory)
  const names: string[] = []
  for (const name of ['10-a', '20-b']) {
    const layer = await putLayer(directory, metaOf(sha256('start'), stepOf({ name })), {
      't/usr/bin/tool': 'tool '.repeat(100),
      'h/install.d/30-more': '#!/bin/bash\n',
      'o/list': 'list\n',
    })
    await symlink('tool', join(layout.layer(layer.name), 't/usr/bin/link'))
    await keepContent(layout.layer(layer.name))
    names.push(layer.name)
  }
  const text = 'image '.repeat(1000)
  await writeFile(join(directory, 'db.raw'), text)
  const artifact: Artifact = {
    artifactVersion: 1,
    key: sha256('image'),
    outputs: [{ suffix: '.raw', format: 'raw', bytes: text.length, sha256: sha256(text) }],
    created: '',
    bootId: '',
  }
  const draft = await draftArtifact(layout.builds, [{ path: join(directory, 'db.raw'), suffix: '.raw' }])
  await keepArtifact(directory, draft, artifact, undefined)
  const [first = '', second = ''] = names
  return { directory, layout, first, second, image: sha256('image').slice(0, 32) }
}

test('a sound cache is left as it is', async () => {
  const { directory, layout } = await filledCache()
  const seen: string[] = []
  expect(await verifySteps(directory, (name) => seen.push(name))).toEqual({ sound: 3, damaged: [] })
  expect(seen).toHaveLength(3)
  expect(await readdir(layout.layers)).toHaveLength(2)
  expect(await verifySteps(join(directory, 'none'))).toEqual({ sound: 0, damaged: [] })
})

test('one byte that has changed in a layer and one in an image are found, and both deleted', async () => {
  const { directory, layout, first, second, image } = await filledCache()
  await flipByte(join(layout.layer(first), 't/usr/bin/tool'), 99)
  await flipByte(join(layout.artifacts, image, 'image.raw'), 5000)
  expect(await verifySteps(directory)).toEqual({ sound: 1, damaged: [first, image] })
  expect(await readdir(layout.layers)).toEqual([second])
  expect(await readdir(layout.artifacts)).toEqual([])
  expect(await verifySteps(directory)).toEqual({ sound: 1, damaged: [] })
})

test.each([
  ['a byte in the hooks', (layer: string) => flipByte(join(layer, 'h/install.d/30-more'), 3)],
  ['a byte in the output', (layer: string) => flipByte(join(layer, 'o/list'), 0)],
  ['a file that is gone', (layer: string) => rm(join(layer, 't/usr/bin/link'))],
  ['a file that is new', (layer: string) => writeFile(join(layer, 't/usr/bin/new'), '')],
  ['a mode', (layer: string) => chmod(join(layer, 't/usr/bin/tool'), 0o600)],
  ['meta.json', (layer: string) => writeFile(join(layer, 'meta.json'), '{}')],
  ['the description', (layer: string) => writeFile(join(layer, 'content.json'), '{')],
])('%s is damage', async (_what, damage) => {
  const { directory, layout, first } = await filledCache()
  await damage(layout.layer(first))
  expect(await verifySteps(directory)).toEqual({ sound: 2, damaged: [first] })
})

test('a layer that a killed build has left without a description is described now', async () => {
  const { directory, layout, first } = await filledCache()
  await rm(join(layout.layer(first), 'content.json'))
  expect(await verifySteps(directory)).toEqual({ sound: 3, damaged: [] })
  await flipByte(join(layout.layer(first), 't/usr/bin/tool'), 99)
  expect((await verifySteps(directory)).damaged).toEqual([first])
})
