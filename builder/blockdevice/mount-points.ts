import { chmod, lstat, mkdir, mkdtemp, readdir, rmdir } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import type { CleanupStack } from '../../lib/cleanup.ts'
import { CofferError, isErrno } from '../../lib/errors.ts'
import { mount, unmount } from '../../lib/mount.ts'
import type { DiskLayout } from './layout-types.ts'

/** A mount point as an absolute path of the image: DIB takes `boot` for `/boot` (contract §4.3). */
export function imagePathOf(mountPoint: string): string {
  return posix.normalize(`/${mountPoint}`).replace(/(?<=.)\/$/, '')
}

/** The layout's mount points in the tree, as absolute paths of the image, parents first. */
export function treeMountPoints(layout: DiskLayout): string[] {
  return layout.mounts.filter((mount) => !mount.swap).map((mount) => imagePathOf(mount.mountPoint))
}

/** True when `path` lies strictly inside the directory `parent`. */
export function isBelow(path: string, parent: string): boolean {
  return path !== parent && path.startsWith(parent === '/' ? '/' : `${parent}/`)
}

/**
 * Makes a mount point in a tree where it is missing, mode 0755. No link is followed: a tree's link may lead out of it.
 *
 * @returns the directory's path on the host
 * @throws CofferError `BLOCK_DEVICE_TREE_UNSAFE` when a part of the path is not a directory.
 */
export async function ensureMountPoint(tree: string, mountPoint: string): Promise<string> {
  let path = tree
  for (const part of imagePathOf(mountPoint)
    .split('/')
    .filter((word) => word !== '')) {
    path = join(path, part)
    const stat = await lstat(path).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return undefined
      throw error
    })
    if (stat === undefined) await makeDirectory(path)
    else if (!stat.isDirectory()) {
      throw new CofferError(
        'BLOCK_DEVICE_TREE_UNSAFE',
        `The mount point ${mountPoint} cannot be used: ${path.slice(tree.length)} is not a directory in the image`,
        {
          hint: 'Make it a real directory in the image, or change the mount point in the block device configuration.',
        },
      )
    }
  }
  return path
}

/** Makes a directory of mode 0755, whatever the umask is. */
async function makeDirectory(path: string): Promise<void> {
  await mkdir(path)
  await chmod(path, 0o755)
}

/**
 * Hides what belongs on other file systems while one file system is read from the tree: an empty directory is
 * bind-mounted over each non-empty mount point directly inside it. Nothing is mounted when there is nothing to hide.
 *
 * @param mountPoint the file system being read, a path of the image
 * @param scratch a directory of ours outside the tree
 * @param cleanup gets the releases
 */
export async function hideInnerMounts(
  layout: DiskLayout,
  tree: string,
  mountPoint: string,
  scratch: string,
  cleanup: CleanupStack,
): Promise<void> {
  const inner = treeMountPoints(layout).filter((point) => isBelow(point, mountPoint))
  const outermost = inner.filter((point) => !inner.some((other) => isBelow(point, other)))
  for (const point of outermost) {
    const target = join(tree, point)
    if ((await readdir(target)).length === 0) continue
    const empty = await mkdtemp(join(scratch, 'empty-'))
    // mkdtemp makes it 0700; the directory below a mount is seen when the mount is missing.
    const cover = join(empty, 'cover')
    await makeDirectory(cover)
    cleanup.defer(`the empty directory ${empty}`, async () => {
      await rmdir(cover)
      await rmdir(dirname(cover))
    })
    await mount({ source: cover, target, options: ['bind'] })
    cleanup.defer(`the cover of ${target}`, () => unmount(target))
  }
}
