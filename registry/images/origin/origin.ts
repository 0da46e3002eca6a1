import { createHash } from 'node:crypto'
import type { FileNode, NodeType } from '../content/node.ts'
import { findPath, notFound, type Place } from '../content/resolve.ts'
import { type DpkgDatabase, readDpkg } from '../dpkg/database.ts'
import type { InstalledPackage } from '../dpkg/status.ts'
import { stepsThatWrote } from '../file-record.ts'
import type { BuildRecord } from '../record.ts'
import { type Below, countBelow } from './below.ts'
import { nearPaths } from './near.ts'
import { type OriginStep, type Recorded, stepsOf } from './steps.ts'

/** A package that brought a path. */
export interface OriginPackage {
  readonly name: string
  readonly version: string
  readonly architecture: string
  readonly source?: string
  /** Where the package file came from, as far as the build recorded it. */
  readonly url?: string
  readonly sha256?: string
}

/**
 * How a file compares with what its package brought: the same, changed, a configuration file that was changed, or unknown
 * because the package says nothing of it.
 */
export type Integrity = 'as installed' | 'changed' | 'configuration changed' | 'unknown'

/** How a path came into an image. */
export interface Origin {
  /** Without symbolic links on the way to it. */
  readonly path: string
  readonly type: NodeType
  /** What a symbolic link says, and where it leads in the end. */
  readonly target?: string
  readonly leadsTo?: string
  readonly packages: readonly OriginPackage[]
  /** Of files of packages. */
  readonly integrity?: Integrity
  /** Absent when the build left no record of files. Empty when none is known to have written it. */
  readonly steps?: readonly OriginStep[]
  /** What is in a directory. */
  readonly below?: Below
  /** More that the path itself tells. */
  readonly notes: readonly string[]
}

/** Larger files are not compared with their packages' digests. */
const MAX_DIGESTED = 4 * 1024 ** 3

/**
 * Tells how a path came into an image: from the record of its build, and from the lists and digests of the image's dpkg.
 *
 * @throws CofferError IMAGE_PATH_NOT_FOUND with paths that may have been meant, IMAGE_PATH_LOOP, IMAGE_CONTENT_BROKEN
 */
export function originOf(root: FileNode, path: string, recorded: Recorded): Origin {
  const dpkg = readDpkg(root)
  const place = findPath(root, path, { follow: false })
  if (place === undefined) throw missing(root, path, dpkg, recorded)
  const { node } = place
  const owners = dpkg?.owners(place.path) ?? []
  const target = node.type === 'symlink' ? node.target() : undefined
  const leadsTo = target === undefined ? undefined : findPath(root, path, { follow: true })?.path
  const { files } = recorded
  return {
    path: place.path,
    type: node.type,
    ...(target === undefined ? {} : { target }),
    ...(leadsTo === undefined ? {} : { leadsTo }),
    packages: owners.map((owner) => describe(owner, recorded.record)),
    ...(node.type === 'file' && owners.length > 0 ? { integrity: integrityOf(place, dpkg) } : {}),
    ...(files === undefined ? {} : { steps: stepsOf(stepsThatWrote(files, place.path), recorded.record) }),
    ...(node.type === 'directory' ? { below: countBelow(place, dpkg, recorded) } : {}),
    notes: notesOn(place.path, target),
  }
}

function describe(
  { name, version, architecture, source }: InstalledPackage,
  record?: BuildRecord,
): OriginPackage {
  const known = record?.packages.find(
    (one) => one.name === name && one.version === version && one.architecture === architecture,
  )
  return {
    ...{ name, version, architecture },
    ...(source === undefined ? {} : { source }),
    ...(known?.url === undefined ? {} : { url: known.url }),
    ...(known?.sha256 === undefined ? {} : { sha256: known.sha256 }),
  }
}

function integrityOf({ path, node }: Place, dpkg: DpkgDatabase | undefined): Integrity {
  const recorded = dpkg?.digest(path)
  if (recorded === undefined || node.size > MAX_DIGESTED) return 'unknown'
  // dpkg knows MD5 only: good against accidents, not against an attacker.
  const hash = createHash('md5')
  for (const piece of node.pieces()) hash.update(piece)
  if (hash.digest('hex') === recorded.md5) return 'as installed'
  return recorded.configuration ? 'configuration changed' : 'changed'
}

function notesOn(path: string, target: string | undefined): string[] {
  const [, described] = /^\/var\/lib\/dpkg\/info\/([^/:]+)(?::[^/.]+)?\.[^./]+$/.exec(path) ?? []
  if (described !== undefined) return [`dpkg keeps it about the package ${described}`]
  if (path.startsWith('/var/lib/dpkg/')) return ['dpkg keeps it about all packages']
  const alternative = [path, target ?? ''].some((one) => one.startsWith('/etc/alternatives/'))
  return alternative ? ['update-alternatives chooses where it leads'] : []
}

function missing(root: FileNode, path: string, dpkg: DpkgDatabase | undefined, { record, files }: Recorded) {
  const absolute = absolutePath(root, path)
  const owners = dpkg?.owners(absolute).map(({ name }) => name) ?? []
  const steps = files === undefined ? [] : stepsOf(stepsThatWrote(files, absolute), record)
  const hints = [
    ...(owners.length > 0
      ? [
          `The package ${owners.join(', ')} brings it; it was left out when the package was unpacked, or deleted.`,
        ]
      : []),
    ...steps.map(
      ({ phase, script, element }) => `${phase}/${script} of ${element} wrote it; it was deleted later.`,
    ),
  ]
  const near = nearPaths(root, path.startsWith('/') ? path : `/${path}`)
  if (near.length > 0) hints.push(`There is ${near.join(', ')}.`)
  return notFound(path, hints.length > 0 ? hints.join(' ') : undefined)
}

/** The path without links on the way, as far as the way exists. */
function absolutePath(root: FileNode, path: string): string {
  const words = path.split('/').filter((word) => word !== '' && word !== '.')
  for (let count = words.length - 1; count >= 0; count--) {
    const parent = findPath(root, words.slice(0, count).join('/'), { follow: true })
    if (parent !== undefined) return join(parent.path, words.slice(count))
  }
  return path
}

const join = (parent: string, words: readonly string[]): string =>
  `${parent === '/' ? '' : parent}/${words.join('/')}`
