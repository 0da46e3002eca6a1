import { mkdir } from 'node:fs/promises'
import { mountAll, unmountAll } from '../../lib/mount.ts'
import { type Build, type BuildJob, layersPlace } from './build.ts'

/** A build, and whether its tree can be made of layers. */
export interface PlacedBuild {
  readonly build: Build
  readonly overlay: boolean
}

/**
 * Finds the place for a build's layers. A cache on a file system that overlayfs cannot write to is left alone: the layers are
 * beside the tree then, for this build only; and where that does not work either, the tree is a plain directory.
 */
export async function placeLayers(build: Build): Promise<PlacedBuild> {
  const alone: BuildJob = { ...build.job, cache: undefined, hits: [], oldLists: false }
  if (await overlayWorks(build, build.job)) return { build, overlay: true }
  const { cache } = build.job
  if (cache !== undefined)
    build.print(`No step is taken from the cache or kept: overlayfs cannot write to ${cache.directory}`)
  return {
    build: { ...build, job: alone },
    overlay: cache !== undefined && (await overlayWorks(build, alone)),
  }
}

/** Tries an overlay in the place of a build's layers. */
async function overlayWorks(build: Build, job: BuildJob): Promise<boolean> {
  const probe = `${layersPlace(job).drafts}/probe`
  await mkdir(probe, { recursive: true })
  for (const name of ['lower', 'upper', 'work', 'tree']) await mkdir(`${probe}/${name}`)
  const target = `${probe}/tree`
  try {
    const options = ['lowerdir=lower', 'upperdir=upper', 'workdir=work', 'volatile']
    await mountAll(
      [
        {
          source: 'coffer',
          target,
          type: 'overlay',
          options: job.rootless ? [...options, 'userxattr'] : options,
        },
      ],
      probe,
    )
    return await unmountAll(target)
  } catch (error) {
    build.log.debug(`overlayfs cannot be used: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}
