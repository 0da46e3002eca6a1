import type { FileNode } from '../content/node.ts'
import type { OpenImage } from '../content/open.ts'
import { walk } from '../content/walk.ts'
import { DPKG_DIRECTORY, type DpkgDatabase, readDpkg } from '../dpkg/database.ts'
import { type ConfigurationDifference, compareConfiguration } from './configuration.ts'
import { compareDisks, type DiskDifference } from './disk.ts'
import { type ChangedFile, compareFiles, type OneSided, type Tree } from './files.ts'
import { comparePackages, type PackageDifferences } from './packages.ts'
import { compareSizes, type DirectorySize } from './sizes.ts'

/** Whom a file belongs to: names of packages, `dpkg's database`, or nobody. */
export interface Owned {
  readonly owner?: string
}

/** All that differs between two images. */
export interface ImageDifferences {
  /** True when nothing does but sizes and places of what is equal. */
  readonly same: boolean
  readonly packages: PackageDifferences
  readonly files: {
    readonly added: readonly (OneSided & Owned)[]
    readonly removed: readonly (OneSided & Owned)[]
    readonly changed: readonly (ChangedFile & Owned)[]
  }
  readonly configuration: readonly ConfigurationDifference[]
  readonly disk: readonly DiskDifference[]
  readonly sizes: {
    readonly image: DirectorySize
    readonly directories: readonly DirectorySize[]
    readonly total: DirectorySize
  }
}

export const DPKG_OWNER = "dpkg's database"
/** More packages than that share a directory only. */
const MAX_OWNERS = 3

/**
 * Compares two images: packages, files with their bytes, modes, owners and extended attributes, configuration, disk, sizes.
 *
 * @throws CofferError IMAGE_CONTENT_BROKEN, IMAGE_CONTENT_UNSUPPORTED
 */
export function compareImages(from: OpenImage, to: OpenImage): ImageDifferences {
  const [fromRoot, toRoot] = [from.root(), to.root()]
  const [fromDpkg, toDpkg] = [readDpkg(fromRoot), readDpkg(toRoot)]
  const [before, after] = [treeOf(fromRoot), treeOf(toRoot)]
  const packages = comparePackages(fromDpkg?.packages ?? [], toDpkg?.packages ?? [])
  const files = compareFiles(before, after)
  const disk = compareDisks(from, to)
  const directories = compareSizes(before, after)
  const isConffile = (path: string) =>
    fromDpkg?.digest(path)?.configuration === true || toDpkg?.digest(path)?.configuration === true
  const counts = [packages, files].flatMap(({ added, removed, changed }) => [added, removed, changed])
  return {
    same: disk.length === 0 && counts.every(({ length }) => length === 0),
    packages,
    files: {
      added: files.added.map((one) => ({ ...one, ...owned(one.path, toDpkg) })),
      removed: files.removed.map((one) => ({ ...one, ...owned(one.path, fromDpkg) })),
      changed: files.changed.map((one) => ({ ...one, ...owned(one.path, toDpkg) })),
    },
    configuration: compareConfiguration(files.changed, before, after, isConffile),
    disk,
    sizes: {
      image: { path: 'image', from: from.fileSize, to: to.fileSize },
      directories,
      total: { path: 'total', from: sum(directories, 'from'), to: sum(directories, 'to') },
    },
  }
}

function treeOf(root: FileNode): Tree {
  const tree = new Map<string, FileNode>()
  for (const { path, node } of walk({ path: '/', node: root })) tree.set(path, node)
  return tree
}

function owned(path: string, dpkg: DpkgDatabase | undefined): Owned {
  const names = dpkg?.owners(path).map(({ name }) => name) ?? []
  if (names.length > 0) {
    const more = names.length - MAX_OWNERS
    return {
      owner: more > 0 ? `${names.slice(0, MAX_OWNERS).join(', ')} and ${more} more` : names.join(', '),
    }
  }
  return path === DPKG_DIRECTORY || path.startsWith(`${DPKG_DIRECTORY}/`) ? { owner: DPKG_OWNER } : {}
}

const sum = (sizes: readonly DirectorySize[], side: 'from' | 'to'): number =>
  sizes.reduce((total, size) => total + size[side], 0)
