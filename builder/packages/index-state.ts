import { compareDebianVersions } from '../../lib/debian-version.ts'
import { CofferError } from '../../lib/errors.ts'
import { type Fetched, type FetcherOptions, openFetcher } from './fetch.ts'
import { type IndexedPackage, indexedPackages, indexList } from './index-list.ts'
import type { Served } from './pins.ts'
import { parseRelease, type ReleaseFile, releasePlace } from './release-file.ts'
import { readBlob } from './store.ts'
import { type UsedIndex, usedIndexes } from './used-indexes.ts'

/** A repository of a build, then and now. */
export interface RepositoryState {
  /** Address of its Release file. */
  readonly url: string
  /** Digest of the Release file in the build. */
  readonly before: string
  /** Digest of the one that the mirror has; undefined when it could not be had. */
  readonly now?: string
  /** Why it could not be had. */
  readonly problem?: string
  /** What the present file says; only where it is another one. */
  readonly release?: ReleaseFile
}

/** What a repository has now in place of a package. */
export interface Candidate extends IndexedPackage {
  /** Address of the archive that has it; ends with a slash. */
  readonly archive: string
}

/** A package whose candidate is asked for. */
export interface WantedPackage {
  readonly name: string
  /** As the package's own field says: `amd64`, `all`, … */
  readonly architecture: string
}

/** The present state of the archives that a build used. */
export interface PackageIndex {
  /** Each repository of the build: one conditional request for each, all at once. Asked once; later calls cost nothing. */
  readonly repositories: () => Promise<readonly RepositoryState[]>
  /**
   * `unchanged`: every Release file is the one the build had, so every package is too. `unknown`: a mirror could not be
   * asked.
   */
  readonly state: () => Promise<'unchanged' | 'changed' | 'unknown'>
  /**
   * What apt would choose now for packages without preferences of its own: the highest version in the suites and
   * components that the build used; a suite marked `NotAutomatic` counts only where no other has the package.
   *
   * @returns candidates by {@link packageKey}; a package that is gone has none.
   * @throws CofferError of the mirror; `INDEX_UNAVAILABLE` when an index that a Release file lists cannot be had
   */
  readonly candidates: (wanted: readonly WantedPackage[]) => Promise<ReadonlyMap<string, Candidate>>
  readonly close: () => Promise<void>
}

/** Options of {@link packageIndex}. */
export interface PackageIndexOptions extends FetcherOptions {
  /** What the build's clients got (`onServed`): its Release files and `Packages` indexes are looked for in it. */
  readonly served: readonly Served[]
}

/** The name of a package in {@link PackageIndex.candidates}. */
export function packageKey({ name, architecture }: WantedPackage): string {
  return `${name}:${architecture}`
}

/**
 * Opens the present state of the archives of a build. Files come into the store and are conditionally asked for like any
 * other; signatures are not checked, because apt checks them in the build that may follow. Repositories that want
 * credentials cannot be asked and count as unknown.
 */
export async function packageIndex(options: PackageIndexOptions): Promise<PackageIndex> {
  const fetcher = await openFetcher(options)
  const used = options.served.filter(({ digest }) => digest !== undefined)
  const releases = new Map(
    used.flatMap(({ url, digest = '' }) => (releasePlace(url) === undefined ? [] : [[url, digest]])),
  )
  let asked: Promise<readonly RepositoryState[]> | undefined
  const repositories = () => (asked ??= Promise.all([...releases].map(([url, before]) => look(url, before))))

  async function look(url: string, before: string): Promise<RepositoryState> {
    try {
      const found = await fetcher.get(url)
      if (found.entry === undefined) return { url, before, problem: `the mirror answered ${found.status}` }
      const now = found.entry.digest
      if (now === before) return { url, before, now }
      return { url, before, now, release: parseRelease((await readBlob(fetcher.store, now)) ?? '') }
    } catch (error) {
      if (!(error instanceof CofferError)) throw error
      return { url, before, problem: error.message }
    }
  }

  /** The digest that an index has now, its content in the store; undefined when its suite dropped it. */
  async function present(index: UsedIndex): Promise<string | undefined> {
    const state = (await repositories()).find(({ url }) => url === index.repository)
    if (state?.release === undefined) return await brought(index.url, index.digest)
    const { files, byHash } = state.release
    const name = preferred.find((suffix) => files.has(`${index.directory}Packages${suffix}`))
    if (name === undefined) return undefined
    const path = `${index.directory}Packages${name}`
    const digest = files.get(path) ?? ''
    const place = releasePlace(index.repository) ?? ''
    return await brought(`${place}${byHash ? `${index.directory}by-hash/SHA256/${digest}` : path}`, digest)
  }

  async function brought(url: string, digest: string): Promise<string> {
    const blob = await fetcher.store.openBlob({ digest })
    await blob?.close()
    const found: Fetched = blob === undefined ? await fetcher.get(url) : { status: 304 }
    if (blob === undefined && found.entry?.digest !== digest) {
      throw new CofferError(
        'INDEX_UNAVAILABLE',
        `${url} is not what its Release file lists (status ${found.status})`,
        {
          hint: 'The mirror may be in the middle of an update: try again in some minutes.',
          retryable: true,
        },
      )
    }
    return digest
  }

  return {
    repositories,
    async state() {
      const all = await repositories()
      if (all.some(({ now, before }) => now !== undefined && now !== before)) return 'changed'
      return all.some(({ now }) => now === undefined) ? 'unknown' : 'unchanged'
    },
    async candidates(wanted) {
      const names = new Set(wanted.map(({ name }) => name))
      const found: (Candidate & { readonly automatic: boolean })[] = []
      for (const index of usedIndexes(used)) {
        const digest = await present(index)
        if (digest === undefined) continue
        const automatic = !(await isNotAutomatic(index.repository))
        const list = await indexList(options.cacheDir, digest, fetcher.store.blobPath(digest))
        for (const item of indexedPackages(list))
          if (names.has(item.name)) found.push({ ...item, archive: index.base, automatic })
      }
      return choose(wanted, found)
    },
    close: fetcher.close,
  }

  async function isNotAutomatic(repository: string): Promise<boolean> {
    const state = (await repositories()).find(({ url }) => url === repository)
    const digest = state?.now ?? state?.before
    if (digest === undefined) return false
    return parseRelease((await readBlob(fetcher.store, digest)) ?? '').notAutomatic
  }
}

/** Forms of an index, the smallest first; plain text last. */
const preferred = ['.xz', '.zst', '.bz2', '.gz', '']

function choose(
  wanted: readonly WantedPackage[],
  found: readonly (Candidate & { readonly automatic: boolean })[],
): Map<string, Candidate> {
  const chosen = new Map<string, Candidate>()
  for (const want of wanted) {
    // A package may become one for all architectures, or stop being one.
    const eligible = found.filter(
      ({ name, architecture }) =>
        name === want.name &&
        (architecture === want.architecture || architecture === 'all' || want.architecture === 'all'),
    )
    const automatic = eligible.filter((item) => item.automatic)
    const best = (automatic.length > 0 ? automatic : eligible).reduce<(typeof eligible)[number] | undefined>(
      (top, item) => (top === undefined || compareDebianVersions(item.version, top.version) > 0 ? item : top),
      undefined,
    )
    if (best === undefined) continue
    const { automatic: _, ...candidate } = best
    chosen.set(packageKey(want), candidate)
  }
  return chosen
}
