import { preKeyOf } from './keys.ts'
import type { LayerStore } from './layers.ts'
import type { CacheStep, Layer, LayerMeta } from './types.ts'

/** What {@link lookUp} finds. */
export interface Lookup {
  /** Layers of the first steps, as many as there are. */
  readonly hits: readonly Layer[]
  /** Identity of the tree after the last hit. */
  readonly key: string
}

/**
 * Finds the steps of a build that need not run: those at its beginning whose results are in the store. After the first that
 * is not, every step runs, since its tree is another.
 *
 * @param start identity of what all steps are made from
 * @param valid whether a layer that fits may be taken still: packages may have moved on, a power cut may have come
 */
export async function lookUp(
  store: Pick<LayerStore, 'find' | 'touch'>,
  start: string,
  steps: readonly CacheStep[],
  valid: (meta: LayerMeta) => Promise<boolean>,
): Promise<Lookup> {
  const hits: Layer[] = []
  let key = start
  for (const step of steps) {
    const layer = await firstOf(await store.find(preKeyOf(key, step)), async ({ name, meta }) => {
      return (await valid(meta)) && (await store.touch(name))
    })
    if (layer === undefined) break
    hits.push(layer)
    key = layer.meta.key
  }
  return { hits, key }
}

async function firstOf<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<T | undefined> {
  for (const item of items) if (await test(item)) return item
  return undefined
}
