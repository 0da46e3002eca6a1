import { CofferError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { packagesServed, repositoriesServed } from '../cache/keys.ts'
import type { LayerMeta } from '../cache/types.ts'
import { packageIndex, packageKey } from '../packages/index-state.ts'
import type { Served } from '../packages/pins.ts'
import type { PreparedBuild } from './prepare.ts'

/** Tells whether the package archives still give a step what it got. */
export interface ArchivesUnchanged {
  /** To be asked for the steps of a build in their order. */
  readonly judge: (meta: LayerMeta) => Promise<boolean>
  /** Whether an archive has changed, even if nothing that the steps took of it has: lists in the tree are of another day. */
  readonly listsAreOld: () => boolean
}

/**
 * A build from a lock compares with the lock. Otherwise each Release file is asked for once, conditionally (offline, what the
 * store has is what there is). Where it has changed, a step stands as long as every package that it took is still the candidate;
 * a lock that is to be written must be of one state, and takes no such step.
 *
 * An archive that cannot be asked counts as changed: the build will tell why.
 */
export function archivesUnchanged(prepared: PreparedBuild, log: Log): ArchivesUnchanged {
  const { request, lock } = prepared
  if (lock !== undefined) {
    const named = [...lock.repositories, ...lock.indexes, ...lock.packages].map(({ sha256 }) => sha256)
    const known = new Set(named)
    return {
      judge: async ({ served }) => served.every(({ digest }) => digest === undefined || known.has(digest)),
      listsAreOld: () => false,
    }
  }
  const seen: Served[] = []
  let old = false

  async function stillCandidates(packages: readonly Served[]): Promise<boolean> {
    const wanted = packages.map(({ url, digest }) => ({ ...nameOf(url), digest }))
    if (wanted.some(({ name }) => name === undefined)) return false
    const index = await packageIndex({
      cacheDir: `${request.imageCache}/packages`,
      offline: request.offline,
      log,
      served: seen,
    })
    try {
      const state = await index.state()
      if (state === 'unchanged') return true
      if (state === 'unknown' || request.lockTo !== undefined) return false
      old = true
      const asked = wanted.map(({ name = '', architecture = '' }) => ({ name, architecture }))
      const candidates = await index.candidates(asked)
      return asked.every((one, at) => candidates.get(packageKey(one))?.sha256 === wanted[at]?.digest)
    } catch (error) {
      if (error instanceof CofferError) return false
      throw error
    } finally {
      await index.close()
    }
  }

  return {
    async judge({ served }) {
      seen.push(...served)
      const packages = packagesServed(served)
      if (packages.length === 0 && repositoriesServed(served).length === 0) return true
      return await stillCandidates(packages)
    },
    listsAreOld: () => old,
  }
}

/** Name and architecture of a package, from the name of its file (deb-version(7) keeps `_` out of versions). */
function nameOf(url: string): { readonly name?: string; readonly architecture?: string } {
  const match = /\/([^/_]+)_[^/_]+_([^/_]+)\.u?deb$/.exec(decodeURIComponent(new URL(url).pathname))
  return match === null ? {} : { name: match[1] ?? '', architecture: match[2] ?? '' }
}
