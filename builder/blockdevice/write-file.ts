import { mkdtemp } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type CleanupStack, cleanupStack } from '../../lib/cleanup.ts'
import { CofferError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { removeTree } from '../../lib/tree.ts'
import type { Unreproducible } from '../../registry/images/record.ts'
import { writeExt } from './ext.ts'
import { settleExtTimes } from './ext-times.ts'
import { writeFat } from './fat.ts'
import { canWriteAsFile, isExt } from './file-mode.ts'
import { type BootCode, installGrub } from './grub.ts'
import type { DiskLayout, FileSystemLayout } from './layout-types.ts'
import { ensureMountPoint, hideInnerMounts, imagePathOf } from './mount-points.ts'
import { orderedCopy } from './ordered-copy.ts'
import { writePartitionTable } from './partition-table.ts'
import { createSparse, imagePath, pathOfImage, rawFile } from './raw-file.ts'
import { writeSwap } from './swap.ts'

export { canWriteAsFile } from './file-mode.ts'

/** What {@link writeImageFile} takes. */
export interface WriteImageRequest {
  readonly layout: DiskLayout
  /** The finished root tree. Mount points missing in it are made; nothing else in it changes. */
  readonly tree: string
  /** The file of `image0`; an older one is replaced. */
  readonly rawPath: string
  /**
   * Seconds since 1970. No time in the image is later, and the image is the same for the same tree, whatever the order in
   * which it was made. Undefined: times as they are.
   */
  readonly sourceDate?: number | undefined
  /** Which boot code to install; none when undefined. */
  readonly boot?: BootCode | undefined
  /** The build's releases: a build that is stopped half-way unmounts what this mounted. */
  readonly cleanup?: CleanupStack | undefined
  readonly log: Log
}

/**
 * Writes a whole disk image into a plain file: partition table, file systems filled from the tree, boot code. No loop
 * device, no device-mapper; a bind mount only where one file system is nested in another and its directory is not empty.
 *
 * @returns why the next image of the same tree may differ, with a source date; usually nothing
 * @throws CofferError `BLOCK_DEVICE_NEEDS_LOOP` when {@link canWriteAsFile} says no, `BLOCK_DEVICE_TOO_SMALL`,
 *   `BLOCK_DEVICE_TREE_UNSAFE`, `BLOCK_DEVICE_FAT_CONTENT`, and what {@link installGrub} throws.
 */
export async function writeImageFile(request: WriteImageRequest): Promise<readonly Unreproducible[]> {
  const { layout, tree, rawPath, log, sourceDate } = request
  const verdict = canWriteAsFile(layout)
  if (!verdict.ok) {
    throw new CofferError(
      'BLOCK_DEVICE_NEEDS_LOOP',
      `The disk cannot be written as a file: ${verdict.reason}`,
    )
  }
  for (const image of layout.images) {
    const raw = rawFile(imagePath(image, rawPath))
    await createSparse(raw.path, image.sizeBytes)
    if (image.table !== undefined) await writePartitionTable(image.table, raw)
  }
  for (const mount of layout.mounts) {
    if (!mount.swap) await ensureMountPoint(tree, mount.mountPoint)
  }
  const cleanup = cleanupStack()
  const done = request.cleanup?.defer('the disk writer', cleanup.release)
  let unreproducible: readonly Unreproducible[] = []
  try {
    const scratch = await mkdtemp(join(dirname(rawPath), 'disk-'))
    cleanup.defer(`the directory ${scratch}`, () => removeTree(scratch))
    let source = tree
    if (sourceDate !== undefined) {
      const copy = await orderedCopy({ tree, scratch, latest: sourceDate, cleanup })
      source = copy.path
      if (copy.unordered !== undefined) {
        log.warn(`The image is not reproducible: ${copy.unordered}`)
        unreproducible = [
          { path: '/', reason: `is numbered in the order of this machine: ${copy.unordered}` },
        ]
      }
    }
    for (const fileSystem of layout.fileSystems) {
      log.debug(`Writing ${fileSystem.type} file system ${fileSystem.label}`)
      await writeFileSystem({ ...request, tree: source }, fileSystem, scratch, cleanup)
    }
  } finally {
    await cleanup.release()
    done?.()
  }
  if (request.boot !== undefined)
    await installGrub({ layout, tree, rawPath, sourceDate, ...request.boot, log })
  return unreproducible
}

async function writeFileSystem(
  request: WriteImageRequest,
  fileSystem: FileSystemLayout,
  scratch: string,
  cleanup: CleanupStack,
): Promise<void> {
  const { layout, tree, rawPath, sourceDate } = request
  const { extent, type, mountPoint } = fileSystem
  if (extent === undefined) {
    throw new CofferError('BLOCK_DEVICE_NEEDS_LOOP', `${fileSystem.name} does not lie on a disk or partition`)
  }
  const raw = rawFile(pathOfImage(layout, extent.image, rawPath))
  if (type === 'swap') return await writeSwap(fileSystem, extent, raw, scratch)
  const path = mountPoint === undefined ? undefined : imagePathOf(mountPoint)
  const source = path === undefined ? undefined : join(tree, path)
  const covers = cleanupStack()
  const done = cleanup.defer(`the covers of ${fileSystem.name}`, covers.release)
  try {
    if (path !== undefined) await hideInnerMounts(layout, tree, path, scratch, covers)
    if (isExt(type)) {
      await writeExt({ fileSystem, extent, raw, source, isRoot: path === '/', scratch })
      if (sourceDate !== undefined) await settleExtTimes(raw.path, extent.offset, sourceDate)
    } else await writeFat(fileSystem, extent, raw, source, sourceDate)
  } finally {
    await covers.release()
    done()
  }
}
