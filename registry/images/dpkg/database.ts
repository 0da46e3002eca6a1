import type { FileNode } from '../content/node.ts'
import { readWhole } from '../content/read-whole.ts'
import { findPath } from '../content/resolve.ts'
import { parseDiversions } from './diversions.ts'
import { type InstalledPackage, parseStatus } from './status.ts'

/** A digest that a package recorded for one of its files. */
export interface RecordedDigest {
  readonly package: InstalledPackage
  readonly md5: string
  /** A configuration file: changing it is normal. */
  readonly configuration: boolean
}

/** What an image's own dpkg knows. Paths are absolute and without symbolic links, as the tree has them. */
export interface DpkgDatabase {
  /** By name. */
  readonly packages: readonly InstalledPackage[]
  /** Packages that brought a path; many for a directory, none for what came about otherwise. */
  readonly owners: (path: string) => readonly InstalledPackage[]
  readonly digest: (path: string) => RecordedDigest | undefined
  /** All paths that packages brought, also those that are not in the image. */
  readonly listed: () => Iterable<string>
}

export const DPKG_DIRECTORY = '/var/lib/dpkg'

const STATUS_BYTES = 64 * 1024 ** 2
const LIST_BYTES = 16 * 1024 ** 2
const FOLLOW = { follow: true }

/**
 * Reads the database of packages in an image. Lists of files are read when they are first asked for.
 *
 * @returns undefined for an image without dpkg
 * @throws CofferError IMAGE_CONTENT_BROKEN
 */
export function readDpkg(root: FileNode): DpkgDatabase | undefined {
  const database = findPath(root, DPKG_DIRECTORY, FOLLOW)?.node
  const status = text(database?.child('status'), STATUS_BYTES)
  if (database === undefined || status === undefined) return undefined
  const packages = parseStatus(status)
  const canonical = canonicalPaths(root)
  let lists: ReadonlyMap<string, readonly InstalledPackage[]> | undefined
  const owners = (): ReadonlyMap<string, readonly InstalledPackage[]> => {
    lists ??= readLists(database, packages, canonical)
    return lists
  }
  return {
    packages,
    owners: (path) => owners().get(path) ?? [],
    listed: () => owners().keys(),
    digest: (path) => recordedDigest(path, owners().get(path) ?? [], database, canonical),
  }
}

function readLists(
  database: FileNode,
  packages: readonly InstalledPackage[],
  canonical: (path: string) => string,
): ReadonlyMap<string, readonly InstalledPackage[]> {
  const diversions = parseDiversions(text(database.child('diversions'), LIST_BYTES) ?? '')
  const owners = new Map<string, InstalledPackage[]>()
  for (const installed of packages) {
    const list = text(infoFile(database, installed, 'list'), LIST_BYTES) ?? ''
    for (const line of list.split('\n')) {
      if (!line.startsWith('/') || line === '/.') continue
      const diversion = diversions.get(line)
      const diverted = diversion !== undefined && diversion.by !== installed.name
      const path = canonical(diverted ? diversion.to : line)
      const known = owners.get(path)
      if (known === undefined) owners.set(path, [installed])
      else known.push(installed)
    }
  }
  return owners
}

function recordedDigest(
  path: string,
  owners: readonly InstalledPackage[],
  database: FileNode,
  canonical: (path: string) => string,
): RecordedDigest | undefined {
  for (const installed of owners) {
    for (const [conffile, md5] of installed.conffiles) {
      if (canonical(conffile) === path) return { package: installed, md5, configuration: true }
    }
    const sums = text(infoFile(database, installed, 'md5sums'), LIST_BYTES) ?? ''
    for (const line of sums.split('\n')) {
      const [, md5, relative] = /^([0-9a-f]{32}) {2}(.+)$/.exec(line) ?? []
      if (md5 !== undefined && canonical(`/${relative}`) === path) {
        return { package: installed, md5, configuration: false }
      }
    }
  }
  return undefined
}

/** Packages of which several architectures can be installed have theirs in the name. */
function infoFile(
  database: FileNode,
  { name, architecture }: InstalledPackage,
  kind: string,
): FileNode | undefined {
  const info = database.child('info')
  return info?.child(`${name}:${architecture}.${kind}`) ?? info?.child(`${name}.${kind}`)
}

/** Packages may say `/bin/ls` where `/bin` is a link to `usr/bin`: the path as the tree has it. */
function canonicalPaths(root: FileNode): (path: string) => string {
  const directories = new Map<string, string>()
  return (path) => {
    const slash = path.lastIndexOf('/')
    const parent = path.slice(0, slash)
    let known = directories.get(parent)
    if (known === undefined) {
      known = parent === '' ? '' : (findPath(root, parent, FOLLOW)?.path ?? parent)
      directories.set(parent, known === '/' ? '' : known)
    }
    return `${known}${path.slice(slash)}`
  }
}

const text = (node: FileNode | undefined, limit: number): string | undefined =>
  readWhole(node, limit)?.toString('utf8')
