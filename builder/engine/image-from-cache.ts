import { systemClock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { BuildCache } from '../cache/build-cache.ts'
import type { Layer } from '../cache/types.ts'
import { callerOf, formatOf, produce } from '../output/index.ts'
import type { BuildListener } from './events.ts'
import { type FinishedOutput, restoreOutputs } from './kept-outputs.ts'
import type { PreparedBuild } from './prepare.ts'
import { readBuildRecord } from './record.ts'

/**
 * Brings a whole image out of the cache, and reports it as a build would.
 *
 * @param key of its outputs
 * @param hits layers of all steps of the build
 * @returns false when the cache does not have it
 */
export async function imageFromCache(
  cache: BuildCache,
  key: string,
  prepared: PreparedBuild,
  hits: readonly Layer[],
  log: Log,
  listener: BuildListener,
): Promise<boolean> {
  const { request } = prepared
  const outputs = await restoreOutputs(cache, key, request, hits, (type, write) =>
    produce(formatOf(type), placing(prepared, log, listener), write),
  )
  if (outputs === undefined) return false
  const record = request.record ? await readBuildRecord(request) : undefined
  if (record !== undefined) {
    const time = systemClock.now().getTime()
    listener.onEvent({ event: 'packages', packages: record.packages, time })
  }
  log.info('Nothing has changed: the image comes from the cache')
  return true
}

/** How outputs from the cache are put in place. */
function placing({ request }: PreparedBuild, log: Log, listener: BuildListener) {
  const owner = callerOf(request.callerEnv)
  return {
    types: request.types,
    imageName: request.imageName,
    overwrite: request.overwrite,
    log,
    onOutput: (output: FinishedOutput) =>
      listener.onEvent({ event: 'output', ...output, time: systemClock.now().getTime() }),
    ...(request.checksum === undefined ? {} : { checksum: request.checksum }),
    ...(owner === undefined ? {} : { owner }),
  }
}
