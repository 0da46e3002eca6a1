import type { Served } from './pins.ts'
import { indexPlace } from './policy.ts'
import { releasePlace } from './release-file.ts'

/** One `Packages` index that a build used. */
export interface UsedIndex {
  readonly url: string
  readonly digest: string
  /** The archive that its files are relative to; ends with a slash. */
  readonly base: string
  /** Directory of the index relative to its Release file; empty or with a slash at its end. */
  readonly directory: string
  /** Address of its Release file. */
  readonly repository: string
}

/**
 * The `Packages` indexes in what a build was served, each with the Release file that vouches for it: the nearest above.
 * Of an index that was served twice the last one counts.
 */
export function usedIndexes(served: readonly Served[]): UsedIndex[] {
  const releases = [...new Set(served.filter(hasContent).map(({ url }) => url))]
    .filter((url) => releasePlace(url) !== undefined)
    .sort((a, b) => b.length - a.length)
  const byPlace = new Map<string, UsedIndex>()
  for (const { url, digest = '' } of served.filter(hasContent)) {
    const place = indexPlace(url)
    if (place === undefined) continue
    const within = `${place.base}${place.slot === '' ? '' : `${place.slot}/`}`
    const repository = releases.find((release) => within.startsWith(releasePlace(release) ?? ''))
    if (repository === undefined) continue
    const directory = within.slice(releasePlace(repository)?.length ?? 0)
    byPlace.set(within, { url, digest, base: place.base, directory, repository })
  }
  return [...byPlace.values()]
}

function hasContent({ digest }: Served): boolean {
  return digest !== undefined
}
