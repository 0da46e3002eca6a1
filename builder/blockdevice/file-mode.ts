import type { DiskLayout } from './layout-types.ts'
import { isFat } from './plugins/mkfs.ts'

/** Types `mke2fs -d` fills from a directory. */
const EXT_TYPES = new Set(['ext2', 'ext3', 'ext4'])

/** True for ext2, ext3 and ext4. */
export function isExt(type: string): boolean {
  return EXT_TYPES.has(type)
}

/**
 * Says whether a layout can be written into plain files, with no loop device: every file system must be one that its
 * tools can fill without mounting it.
 */
export function canWriteAsFile(
  layout: DiskLayout,
): { readonly ok: true } | { readonly ok: false; readonly reason: string } {
  const lvm = layout.lvm[0]
  if (lvm !== undefined) return { ok: false, reason: `the layout uses LVM (${lvm.name})` }
  const large = layout.images.find((image) => image.sectorSize !== 512)
  if (large !== undefined) {
    return { ok: false, reason: `${large.name} has sectors of ${large.sectorSize} bytes` }
  }
  const other = layout.fileSystems.find(({ type }) => !(isExt(type) || isFat(type) || type === 'swap'))
  if (other !== undefined) {
    return {
      ok: false,
      reason: `${other.name} is ${other.type}, which can be filled only when it is mounted`,
    }
  }
  return { ok: true }
}
