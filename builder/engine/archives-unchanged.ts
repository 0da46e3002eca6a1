import { CofferError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { repositoriesServed } from '../cache/keys.ts'
import type { LayerMeta } from '../cache/types.ts'
import { openFetcher } from '../packages/fetch.ts'
import type { Served } from '../packages/pins.ts'
import type { PreparedBuild } from './prepare.ts'

/** Tells whether the package archives still are what a step found them to be. */
export interface ArchivesUnchanged {
  readonly judge: (meta: LayerMeta) => Promise<boolean>
  readonly close: () => Promise<void>
}

/**
 * A build from a lock compares with the lock; offline, what the store has is what there is; else each Release file is asked for
 * once, conditionally. An archive that cannot be asked counts as changed: the build will tell why.
 */
export async function archivesUnchanged(prepared: PreparedBuild, log: Log): Promise<ArchivesUnchanged> {
  const { request, lock } = prepared
  if (lock !== undefined) {
    const known = new Set(
      [...lock.repositories, ...lock.indexes, ...lock.packages].map(({ sha256 }) => sha256),
    )
    return {
      judge: async ({ served }) => served.every(({ digest }) => digest === undefined || known.has(digest)),
      close: async () => undefined,
    }
  }
  const fetcher = await openFetcher({
    cacheDir: `${request.imageCache}/packages`,
    offline: request.offline,
    log,
  })
  const asked = new Map<string, Promise<string | undefined>>()
  const now = ({ url }: Served) => {
    const known = asked.get(url) ?? digestNow(url)
    asked.set(url, known)
    return known
  }

  async function digestNow(url: string): Promise<string | undefined> {
    try {
      return (await fetcher.get(url)).entry?.digest
    } catch (error) {
      if (error instanceof CofferError) return undefined
      throw error
    }
  }

  return {
    async judge({ served }) {
      const releases = repositoriesServed(served)
      const digests = await Promise.all(releases.map(now))
      return releases.every(({ digest }, at) => digest === digests[at])
    },
    close: fetcher.close,
  }
}
