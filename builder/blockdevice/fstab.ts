import { lstat, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError, isErrno } from '../../lib/errors.ts'
import type { DiskLayout, FileSystemLayout, MountLayout } from './layout-types.ts'
import type { FstabNode } from './nodes.ts'

/**
 * The text of /etc/fstab: one line a mount that has an fstab entry, in mount order, found by label (DIB contract §4.3).
 * Swap space comes where its mount sorts, with mount point `none`.
 */
export function fstabText(
  mounts: readonly MountLayout[],
  fileSystems: readonly FileSystemLayout[],
  entries: readonly FstabNode[],
): string {
  return mounts
    .flatMap((mount) => {
      const entry = entries.find((candidate) => candidate.base === mount.name)
      const fileSystem = fileSystems.find((candidate) => candidate.name === mount.fileSystem)
      if (entry === undefined || fileSystem === undefined) return []
      const fields = mount.swap
        ? ['none', 'swap', entry.options ?? 'sw', 0, 0]
        : [mount.mountPoint, fileSystem.type, entry.options ?? 'defaults', entry.dumpFreq, entry.fsckPassNo]
      return [`LABEL=${fstabWord(fileSystem.label)} ${fields.join(' ')}\n`]
    })
    .join('')
}

/** Blanks would end the field; fstab(5) writes them as octal numbers. */
function fstabWord(label: string): string {
  return label.replaceAll('\\', '\\134').replaceAll(' ', '\\040')
}

/**
 * Writes /etc/fstab into a tree, in place of the tree's own. Call it before the tree is written to the disk.
 *
 * A link at etc/fstab is replaced, not followed: it may point outside the tree.
 *
 * @throws CofferError `BLOCK_DEVICE_TREE_UNSAFE` when the tree's /etc is not a directory.
 */
export async function writeFstab(layout: Pick<DiskLayout, 'fstab'>, tree: string): Promise<void> {
  const etc = join(tree, 'etc')
  const stat = await lstat(etc).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  })
  if (stat === undefined) await mkdir(etc, { mode: 0o755 })
  else if (!stat.isDirectory()) {
    throw new CofferError('BLOCK_DEVICE_TREE_UNSAFE', `/etc of the tree ${tree} is not a directory`)
  }
  const fresh = join(etc, 'fstab.coffer-new')
  await writeFile(fresh, layout.fstab, { mode: 0o644, flag: 'wx' })
  await rename(fresh, join(etc, 'fstab'))
}
