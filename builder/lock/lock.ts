import { sha256 } from '../../lib/hash.ts'

/** Everything that a build took from elsewhere, exactly: what `--locked` builds from. */
export interface Lock {
  readonly lockVersion: 1
  /** Version of the builder that made the lock; informative. */
  readonly builder: string
  /** DISTRO_NAME of the build, where it had one. */
  readonly distribution?: string
  /** DIB_RELEASE of the build, where it had one. */
  readonly release?: string
  /** In dpkg's words. */
  readonly architecture: string
  /** ISO 8601, UTC, whole seconds: SOURCE_DATE_EPOCH of the build, else the newest date of its repositories. */
  readonly sourceDate?: string
  /** Addresses of the archives, by the short name that the lists below use. Another mirror of the same archive serves too. */
  readonly archives: Readonly<Record<string, string>>
  readonly repositories: readonly LockedRepository[]
  /** Other files about packages: indexes, detached signatures. */
  readonly indexes: readonly LockedFile[]
  /** What the archives did not have: apt asks for it, and must hear the same again. */
  readonly absent: readonly LockedAbsence[]
  readonly packages: readonly LockedPackage[]
  readonly sources: readonly LockedSource[]
  readonly downloads: readonly LockedDownload[]
  /** What the build itself made and would not make twice, by path. */
  readonly generated: Readonly<Record<string, LockedContent>>
}

/** An archive of content that a build made, which lies beside the lock. */
export interface LockedContent {
  readonly sha256: string
  /** Bytes. */
  readonly size: number
  /** Digest of the elements, packages of `-p` and variables that it came from. Made from others, it is not used. */
  readonly madeFrom: string
}

/** A file of an archive. */
export interface LockedFile {
  readonly archive: string
  /** Relative to the archive's address, not percent-encoded. */
  readonly path: string
  readonly sha256: string
  /** Bytes. */
  readonly size: number
  /** Set when it was fetched with credentials. */
  readonly private?: true
}

/** A Release file: what a repository was at its date. */
export interface LockedRepository extends LockedFile {
  readonly origin?: string
  readonly label?: string
  readonly suite?: string
  readonly codename?: string
  /** When the archive made it: ISO 8601, UTC. */
  readonly date?: string
}

export interface LockedPackage extends LockedFile {
  readonly name: string
  readonly version: string
  readonly architecture: string
  /** Suite and component of the archive it was listed in; a flat repository has none. */
  readonly suite?: string
  readonly component?: string
}

export interface LockedAbsence {
  readonly archive: string
  readonly path: string
  readonly status: number
}

/** A git repository of element source-repositories. */
export interface LockedSource {
  readonly name: string
  /** Without credentials. */
  readonly location: string
  /** The branch, tag or commit that was asked for. */
  readonly ref: string
  /** The commit that it was. */
  readonly revision: string
}

/** A file that a script outside of the chroot fetched. */
export interface LockedDownload {
  /** Without credentials and query. `file:NAME` for a file of the machine that built. */
  readonly url: string
  readonly sha256: string
  /** Bytes. */
  readonly size: number
}

/**
 * The text of a lock file: JSON with a line for each package and file, in an order that depends on nothing but the
 * content, so that two locks can be compared line by line.
 */
export function renderLock(lock: Lock): string {
  const scalars = (
    ['lockVersion', 'builder', 'distribution', 'release', 'architecture', 'sourceDate'] as const
  )
    .filter((name) => lock[name] !== undefined)
    .map((name) => `  "${name}": ${JSON.stringify(lock[name])}`)
  return `{\n${[
    ...scalars,
    map('archives', lock.archives),
    list('repositories', lock.repositories, repositoryFields, ({ archive, path }) => [archive, path]),
    list('indexes', lock.indexes, fileFields, ({ archive, path }) => [archive, path]),
    list('absent', lock.absent, ['archive', 'path', 'status'], ({ archive, path }) => [archive, path]),
    list('packages', lock.packages, packageFields, (item) => [
      item.name,
      item.architecture,
      item.version,
      item.archive,
      item.path,
    ]),
    list('sources', lock.sources, ['name', 'location', 'ref', 'revision'], (item) => [
      item.name,
      item.location,
      item.ref,
    ]),
    list('downloads', lock.downloads, ['url', 'sha256', 'size'], ({ url, sha256 }) => [url, sha256]),
    map('generated', lock.generated),
  ].join(',\n')}\n}\n`
}

/** SHA-256 of a lock: of its file, as {@link renderLock} writes it. */
export function lockDigest(lock: Lock): string {
  return sha256(renderLock(lock))
}

const fileFields = ['archive', 'path', 'sha256', 'size', 'private'] as const
const repositoryFields = [
  ...(['archive', 'path', 'origin', 'label', 'suite', 'codename', 'date'] as const),
  ...(['sha256', 'size', 'private'] as const),
] as const
const packageFields = [
  ...(['name', 'version', 'architecture', 'archive', 'suite', 'component', 'path'] as const),
  ...(['sha256', 'size', 'private'] as const),
] as const

function list<T extends object>(
  name: string,
  items: readonly T[],
  fields: readonly (keyof T & string)[],
  key: (item: T) => readonly string[],
): string {
  const sorted = items
    .map((item) => ({ key: key(item), text: JSON.stringify(item, [...fields]) }))
    .sort((a, b) => compareKeys(a.key, b.key) || compareText(a.text, b.text))
  return block(
    name,
    ['[', ']'],
    sorted.map(({ text }) => text),
  )
}

function map(name: string, values: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(values)
    .sort(([a], [b]) => compareText(a, b))
    .map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
  return block(name, ['{', '}'], lines)
}

function block(name: string, [open, close]: readonly [string, string], lines: readonly string[]): string {
  if (lines.length === 0) return `  "${name}": ${open}${close}`
  return `  "${name}": ${open}\n${lines.map((line) => `    ${line}`).join(',\n')}\n  ${close}`
}

function compareKeys(a: readonly string[], b: readonly string[]): number {
  for (const [at, part] of a.entries()) {
    const difference = compareText(part, b[at] ?? '')
    if (difference !== 0) return difference
  }
  return 0
}

/** By code unit: the same order wherever it is made. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
