import { join } from 'node:path'
import { CACHE_START, cacheSteps } from '../cache/cache-steps.ts'
import { firstDifference } from '../cache/difference.ts'
import { preKeyOf } from '../cache/keys.ts'
import { openLayers } from '../cache/layers.ts'
import { type Lookup, lookUp } from '../cache/lookup.ts'
import { isTrusted } from '../cache/trust.ts'
import type { CacheStep, LayerMeta } from '../cache/types.ts'
import type { BuildRequest } from '../request/request.ts'
import { idsMark, type Privilege } from '../sandbox/rootless.ts'
import { planOf } from './plan-of.ts'
import type { PreparedBuild } from './prepare.ts'

/** Directory of the step cache below the cache of downloads. Its files have owners of the image. */
export function stepCacheDirectory(imageCache: string, privilege: Privilege): string {
  return join(imageCache, `steps${idsMark(privilege)}`)
}

/** The steps of a prepared build, in order. */
export function stepsOf(prepared: PreparedBuild, version: string): CacheStep[] {
  const { request, facts, blockDevice, loopReason } = prepared
  return cacheSteps({
    plan: planOf(prepared, version),
    packages: request.packages,
    layout: [
      blockDevice.yaml,
      request.fsType,
      request.rootLabel ?? '',
      // The tree moves into file systems then, and none of that is kept.
      loopReason === undefined ? 'file' : 'loop devices',
    ].join('\n'),
    never: facts.never,
    attributes: facts.attributes,
    outputs: facts.outputs,
  })
}

/**
 * Finds out which steps need not run.
 *
 * @param unchanged whether what a step read from the package repositories is what they have now
 */
export async function findHits(
  directory: string,
  steps: readonly CacheStep[],
  resume: boolean,
  unchanged: (meta: LayerMeta) => Promise<boolean>,
): Promise<Lookup> {
  return await lookUp(openLayers(directory), CACHE_START, steps, async (meta) => {
    if (!(await isTrusted(directory, meta))) return false
    return resume || (!meta.never && (await unchanged(meta)))
  })
}

/**
 * How many steps would come from the cache, and why the next one would not. Asks no mirror: what the repositories have is taken
 * to be what it was.
 */
export async function explainHits(
  directory: string,
  steps: readonly CacheStep[],
  request: BuildRequest,
): Promise<{ readonly hits: number; readonly reason: string }> {
  const { hits, key } = await findHits(directory, steps, request.resume, async () => true)
  const next = steps[hits.length]
  if (next === undefined) return { hits: hits.length, reason: '' }
  const metas = (await openLayers(directory).list()).map(({ meta }) => meta)
  const fits = metas.filter(({ preKey }) => preKey === preKeyOf(key, next))
  const trusted = await Promise.all(fits.map((meta) => isTrusted(directory, meta)))
  if (fits.length > 0 && !trusted.includes(true))
    return {
      hits: hits.length,
      reason: 'its result may not have reached the disk before the machine stopped',
    }
  const same = metas.filter(
    ({ phase, step, element }) => phase === next.phase && step === next.name && element === next.element,
  )
  return { hits: hits.length, reason: firstDifference(next, same, fits) }
}
