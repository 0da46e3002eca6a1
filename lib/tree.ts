import { lstat, realpath, rmdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CofferError, isErrno } from './errors.ts'
import { type Argv, run } from './exec.ts'
import { mountsBelow } from './mount.ts'
import { entering } from './user-namespace.ts'

/** Paths that are never deleted, whatever a variable expanded to. */
const PROTECTED = new Set(
  '/ /bin /boot /dev /etc /home /lib /lib64 /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr /var /var/tmp'.split(
    ' ',
  ),
)

/**
 * The one door for deleting a directory tree. Deletes nothing if something is mounted at or below it, never follows a
 * symbolic link at the top, and stays on one file system. Immutable files are deleted too. A missing tree is fine.
 *
 * @param options.enter words in front of the deleting command, when it needs another user namespace to delete the tree
 * @throws CofferError `TREE_PROTECTED` for a system directory, `TREE_HAS_MOUNTS` when something is mounted below.
 */
export async function removeTree(
  path: string,
  options: { readonly enter?: readonly string[] } = {},
): Promise<void> {
  const absolute = resolve(path)
  try {
    const stat = await lstat(absolute)
    const real = stat.isSymbolicLink() ? absolute : await realpath(absolute)
    if (PROTECTED.has(real) || PROTECTED.has(absolute)) {
      throw new CofferError('TREE_PROTECTED', `Refusing to delete ${absolute}: it is a system directory`)
    }
    if (await removedEmpty(absolute)) return
    const mounts = await mountsBelow(real, { inclusive: true })
    if (mounts.length > 0) {
      throw new CofferError('TREE_HAS_MOUNTS', `Refusing to delete ${absolute}: ${mounts[0]} is mounted`, {
        hint: `Unmount it first: umount ${mounts[0]}`,
      })
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return
    throw error
  }
  const { enter = [] } = options
  const start = (command: Argv, check: boolean) => run(entering(enter, command), { check })
  const remove = (check: boolean) => start(['rm', '-rf', '--one-file-system', '--', absolute], check)
  if ((await remove(false)).exitCode === 0) return
  // A file marked immutable or append-only resists even root.
  await start(['chattr', '-R', '-f', '-ia', absolute], false)
  await remove(true)
}

/** Most trees that are deleted in the course of a build hold nothing; for these no program needs to be started. */
const removedEmpty = (path: string): Promise<boolean> =>
  rmdir(path).then(
    () => true,
    () => false,
  )
