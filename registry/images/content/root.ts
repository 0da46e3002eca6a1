import type { DiskLayout, Slot } from './disk.ts'
import { unsupported } from './errors.ts'
import { openExt } from './ext/file-system.ts'
import { openFat } from './fat/file-system.ts'
import { fstabMounts } from './fstab.ts'
import { mounted } from './mounted.ts'
import type { FileNode } from './node.ts'
import { readWhole } from './read-whole.ts'
import { findPath } from './resolve.ts'

/** A file system whose files can be read. */
interface Readable {
  readonly slot: Slot
  readonly root: FileNode
}

const FSTAB_BYTES = 65_536

/**
 * The root directory that a guest has: that of the file system with an operating system on it, else of the largest, and
 * the others where its fstab puts them.
 *
 * @throws CofferError IMAGE_CONTENT_UNSUPPORTED when no file system can be read, IMAGE_CONTENT_BROKEN
 */
export function rootOf({ slots }: DiskLayout): FileNode {
  const linux = slots.flatMap((slot) => openable(slot, /^ext[234]$/))
  const chosen = linux.find(({ root }) => hasSystem(root)) ?? linux.toSorted(largerFirst)[0]
  if (chosen === undefined) throw unsupported(whatIsThere(slots))
  const others = slots.filter((slot) => slot !== chosen.slot)
  const fstab = readWhole(findPath(chosen.root, '/etc/fstab', { follow: true })?.node, FSTAB_BYTES)
  const mounts = fstabMounts(fstab?.toString('utf8') ?? '', others).flatMap(({ path, slot }) =>
    openable(slot, /^(ext[234]|vfat)$/).map(({ root }) => [path, root] as const),
  )
  return mounts.length === 0 ? chosen.root : mounted(chosen.root, new Map(mounts))
}

function openable(slot: Slot, types: RegExp): Readable[] {
  const type = slot.fileSystem?.type
  if (type === undefined || !types.test(type)) return []
  const name = `partition ${slot.partition?.number ?? 0}`
  return [{ slot, root: type === 'vfat' ? openFat(slot.bytes, name) : openExt(slot.bytes, name) }]
}

const hasSystem = (root: FileNode): boolean =>
  ['/etc/os-release', '/usr/lib/os-release', '/etc/fstab'].some((path) =>
    findPath(root, path, { follow: false }),
  )

const largerFirst = (a: Readable, b: Readable): number => b.slot.bytes.size - a.slot.bytes.size

function whatIsThere(slots: readonly Slot[]): string {
  const types = slots.map(({ fileSystem }) => fileSystem?.type).filter((type) => type !== undefined)
  return types.length === 0
    ? 'no file system was found in it'
    : `of its file systems (${types.join(', ')}) none can be read`
}
