import { expect, test } from 'vitest'
import { openLayers } from '../../../builder/cache/layers.ts'
import { lookUp } from '../../../builder/cache/lookup.ts'
import type { LayerMeta } from '../../../builder/cache/types.ts'
import { sha256 } from '../../../lib/hash.ts'
import { cacheDirectory, metaOf, putLayer, stepOf } from './samples.ts'

const start = sha256('start')
const steps = ['10-a', '20-b', '30-c'].map((name) => stepOf({ name }))
const always = async () => true

/** Puts the results of steps into a cache, each after the one before. */
async function putChain(directory: string, changes: (name: string) => Partial<LayerMeta> = () => ({})) {
  const metas: LayerMeta[] = []
  for (const step of steps) {
    const meta = metaOf(metas.at(-1)?.key ?? start, step, changes(step.name))
    await putLayer(directory, meta)
    metas.push(meta)
  }
  return metas
}

async function names(
  directory: string,
  valid: (meta: LayerMeta) => Promise<boolean> = always,
  wanted = steps,
) {
  const { hits } = await lookUp(openLayers(directory), start, wanted, valid)
  return hits.map(({ meta }) => meta.step)
}

test('an empty cache, or none, has nothing', async () => {
  const directory = await cacheDirectory()
  expect(await lookUp(openLayers(directory), start, steps, always)).toEqual({ hits: [], key: start })
  expect(await lookUp(openLayers(`${directory}/none`), start, steps, always)).toEqual({
    hits: [],
    key: start,
  })
})

test('all steps that have run are found, and the identity of the tree after them', async () => {
  const directory = await cacheDirectory()
  const metas = await putChain(directory)
  expect(await names(directory)).toEqual(['10-a', '20-b', '30-c'])
  expect((await lookUp(openLayers(directory), start, steps, always)).key).toBe(metas.at(-1)?.key)
})

test('after the first step that is not there nothing is taken, though its result lies there', async () => {
  const directory = await cacheDirectory()
  await putChain(directory)
  const changed = steps.map((step) => (step.name === '20-b' ? { ...step, inputs: { script: 'new' } } : step))
  expect(await names(directory, always, changed)).toEqual(['10-a'])
  expect(await names(directory, async ({ step }) => step !== '10-a')).toEqual([])
})

test('a step that was inserted, or left out, moves all that follows', async () => {
  const directory = await cacheDirectory()
  await putChain(directory)
  const [a, b, c] = steps
  if (a === undefined || b === undefined || c === undefined) throw new Error('three steps')
  expect(await names(directory, always, [a, stepOf({ name: '15-new' }), b, c])).toEqual(['10-a'])
  expect(await names(directory, always, [a, c])).toEqual(['10-a'])
})

test('of several results of one step the newest that may be taken is, and what follows must have followed it', async () => {
  const directory = await cacheDirectory()
  const step = stepOf({ never: true })
  const old = metaOf(start, step, { key: sha256('run 1'), created: '2026-01-01T00:00:00.000Z' })
  const fresh = metaOf(start, step, { key: sha256('run 2'), created: '2026-01-02T00:00:00.000Z' })
  await putLayer(directory, fresh)
  await putLayer(directory, old)
  const next = stepOf({ name: '20-b' })
  await putLayer(directory, metaOf(old.key, next))
  const found = await lookUp(openLayers(directory), start, [step, next], always)
  expect(found.hits.map(({ meta }) => meta.key)).toEqual([fresh.key])
  const older = await lookUp(openLayers(directory), start, [step, next], async ({ key }) => key !== fresh.key)
  expect(older.hits.map(({ meta }) => meta.step)).toEqual(['10-a', '20-b'])
})

test('a layer that disappears while it is looked up is not taken', async () => {
  const directory = await cacheDirectory()
  await putChain(directory)
  const store = openLayers(directory)
  const vanishing = { find: store.find, touch: async (name: string) => !name.startsWith('x') && false }
  expect((await lookUp(vanishing, start, steps, always)).hits).toEqual([])
})
