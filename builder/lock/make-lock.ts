import { CofferError } from '../../lib/errors.ts'
import type { Served } from '../packages/pins.ts'
import { isPackage } from '../packages/policy.ts'
import { type ReleaseFile, releasePlace } from '../packages/release-file.ts'
import { type ArchivePlace, archiveNames, archivePlaces } from './archive-address.ts'
import type { Lock, LockedFile, LockedPackage, LockedRepository } from './lock.ts'
import type { PackageFacts } from './package-facts.ts'
import type { Recorded } from './recorded.ts'

/** What a lock is made from. */
export interface Taken {
  readonly builder: string
  readonly architecture: string
  /** Of the caller; what the root element says goes first. */
  readonly distribution: string | undefined
  readonly release: string | undefined
  /** SOURCE_DATE_EPOCH, where it is set. */
  readonly sourceDate: Date | undefined
  readonly served: readonly Served[]
  readonly recorded: readonly Recorded[]
  /** The Release files among what was served, by digest. */
  readonly releases: ReadonlyMap<string, ReleaseFile>
  /** The packages among what was served, by digest. */
  readonly packages: ReadonlyMap<string, PackageFacts>
  readonly generated?: Lock['generated']
}

/**
 * The lock of a build.
 *
 * @throws CofferError `LOCK_NOT_ONE_STATE` when an address had two contents in the same build
 */
export function makeLock(taken: Taken): Lock {
  const contents = contentsOf(taken.served)
  const absent = absencesOf(taken.served, contents)
  const places = archivePlaces([...contents.keys(), ...absent.keys()])
  const names = archiveNames([...places.values()].map(({ archive }) => archive))
  const at = (url: string) => {
    const { archive, path } = places.get(url) as ArchivePlace
    return { archive: names.get(archive) ?? '', path }
  }
  const file = ({ url, digest = '', size = 0, private: secret }: Served): LockedFile => ({
    ...at(url),
    sha256: digest,
    size,
    ...(secret === undefined ? {} : { private: secret }),
  })

  const repositories: LockedRepository[] = []
  const indexes: LockedFile[] = []
  const packages: LockedPackage[] = []
  for (const served of contents.values()) {
    const { url, digest = '' } = served
    if (isPackage(url)) packages.push({ ...file(served), ...packageFields(taken, url, digest) })
    else if (releasePlace(url) !== undefined) {
      repositories.push({ ...file(served), ...releaseFields(taken.releases.get(digest)) })
    } else indexes.push(file(served))
  }
  const system = taken.recorded.findLast((one) => one.kind === 'system')
  const [distribution, release] = [
    system?.distribution ?? taken.distribution,
    system?.release ?? taken.release,
  ]
  const date = taken.sourceDate ?? newest([...taken.releases.values()])
  return {
    lockVersion: 1,
    builder: taken.builder,
    ...(distribution === undefined ? {} : { distribution }),
    ...(release === undefined ? {} : { release }),
    architecture: taken.architecture,
    ...(date === undefined ? {} : { sourceDate: isoSeconds(date) }),
    archives: Object.fromEntries([...names].map(([archive, name]) => [name, archive])),
    repositories,
    indexes,
    absent: [...absent].map(([url, status]) => ({ ...at(url), status })),
    packages,
    sources: distinct(
      taken.recorded
        .filter((one) => one.kind === 'source')
        .map(({ name, location, ref, revision }) => ({ name, location, ref, revision })),
    ),
    downloads: distinct(
      taken.recorded
        .filter((one) => one.kind === 'file')
        .map(({ url, sha256, size }) => ({ url, sha256, size })),
    ),
    generated: taken.generated ?? {},
  }
}

/** A date as locks write it: whole seconds, UTC. */
export function isoSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

function contentsOf(served: readonly Served[]): Map<string, Served> {
  const contents = new Map<string, Served>()
  for (const answer of served) {
    if (answer.digest === undefined) continue
    const before = contents.get(answer.url)
    if (before !== undefined && before.digest !== answer.digest) {
      throw new CofferError(
        'LOCK_NOT_ONE_STATE',
        `No lock was written: ${answer.url} changed on the mirror during the build`,
        { hint: 'Build again.', retryable: true },
      )
    }
    contents.set(answer.url, answer)
  }
  return contents
}

function absencesOf(served: readonly Served[], contents: ReadonlyMap<string, Served>): Map<string, number> {
  return new Map(
    served
      .filter(({ url, status }) => status >= 400 && status < 500 && !contents.has(url))
      .map(({ url, status }) => [url, status]),
  )
}

function packageFields(taken: Taken, url: string, digest: string): PackageFacts {
  const facts = taken.packages.get(digest)
  if (facts === undefined) throw new Error(`nothing is known of the package ${url}`)
  return facts
}

function releaseFields(release: ReleaseFile | undefined) {
  const { origin, label, suite, codename, date } = release ?? {}
  return {
    ...(origin === undefined ? {} : { origin }),
    ...(label === undefined ? {} : { label }),
    ...(suite === undefined ? {} : { suite }),
    ...(codename === undefined ? {} : { codename }),
    ...(date === undefined ? {} : { date: isoSeconds(date) }),
  }
}

function newest(releases: readonly ReleaseFile[]): Date | undefined {
  const times = releases.flatMap(({ date }) => (date === undefined ? [] : [date.getTime()]))
  return times.length === 0 ? undefined : new Date(Math.max(...times))
}

function distinct<T>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()]
}
