import { run } from '../../lib/exec.ts'
import { indexedPackages, indexList } from '../packages/index-list.ts'
import type { Served } from '../packages/pins.ts'
import { isPackage } from '../packages/policy.ts'
import { parseRelease, type ReleaseFile, releasePlace } from '../packages/release-file.ts'
import { readBlob, type Store } from '../packages/store.ts'
import { usedIndexes } from '../packages/used-indexes.ts'

/** What a lock says of a package besides its file. */
export interface PackageFacts {
  readonly name: string
  readonly version: string
  readonly architecture: string
  readonly suite?: string
  readonly component?: string
}

/** Reads the Release files among what a build was served, by digest. */
export async function releasesOf(served: readonly Served[], store: Store): Promise<Map<string, ReleaseFile>> {
  const digests = served.flatMap(({ url, digest }) =>
    digest === undefined || releasePlace(url) === undefined ? [] : [digest],
  )
  const releases = new Map<string, ReleaseFile>()
  for (const digest of new Set(digests))
    releases.set(digest, parseRelease((await readBlob(store, digest)) ?? ''))
  return releases
}

/**
 * Names the packages among what a build was served, by digest: as the archive's index lists them, else as they say
 * themselves (of a package that no index listed).
 *
 * @param directory the store's directory
 */
export async function packageFacts(
  served: readonly Served[],
  store: Store,
  directory: string,
): Promise<Map<string, PackageFacts>> {
  const digests = new Set(
    served.flatMap(({ url, digest }) => (digest === undefined || !isPackage(url) ? [] : [digest])),
  )
  const facts = new Map<string, PackageFacts>()
  for (const index of usedIndexes(served)) {
    const place = suiteOf(index.repository, index.directory)
    const list = await indexList(directory, index.digest, store.blobPath(index.digest))
    for (const { sha256, name, version, architecture } of indexedPackages(list)) {
      if (digests.has(sha256) && !facts.has(sha256))
        facts.set(sha256, { name, version, architecture, ...place })
    }
  }
  for (const digest of digests) {
    if (!facts.has(digest)) facts.set(digest, await ownWords(store.blobPath(digest)))
  }
  return facts
}

/** Suite and component, as apt sources name them. */
function suiteOf(repository: string, directory: string): Pick<PackageFacts, 'suite' | 'component'> {
  const suite = /\/dists\/(.*)\/(?:In)?Release$/.exec(repository)?.[1]
  const component = /^(.*)\/binary-[^/]+\/$/.exec(directory)?.[1]
  return {
    ...(suite === undefined ? {} : { suite }),
    ...(suite === undefined || component === undefined ? {} : { component }),
  }
}

async function ownWords(path: string): Promise<PackageFacts> {
  const { stdout } = await run(['dpkg-deb', '--field', path, 'Package', 'Version', 'Architecture'])
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stdout)?.[1]?.trim() ?? ''
  return { name: field('Package'), version: field('Version'), architecture: field('Architecture') }
}
