import { type Clock, systemClock } from '../../lib/clock.ts'
import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import type { Log } from '../../lib/log.ts'
import { mountsBelow, unmount } from '../../lib/mount.ts'
import { removeTree } from '../../lib/tree.ts'
import { copyIntoFat } from './fat.ts'
import { LVM_CLEANUP_COMMAND, lvmUmountCommands } from './lvm-commands.ts'
import type { LvmNode } from './nodes.ts'
import { isFat } from './plugins/mkfs.ts'

/** A file system that is mounted. */
export interface MountedFileSystem {
  /** As configured, for example `/boot`. */
  readonly mountPoint: string
  /** On the host. */
  readonly path: string
  readonly type: string
  /** Where the kernel cannot mount FAT: a directory is bind-mounted in its place and copied to this device at the end. */
  readonly standIn?: { readonly directory: string; readonly device: string } | undefined
}

/** DIB's patience (contract §4.3). */
const UMOUNT_TRIES = 9
const UMOUNT_PAUSE_MS = 3000

/**
 * Unmounts a file system of the image; trims it first, so that space of deleted files leaves the image file again. Where
 * the kernel cannot trim, the image is only larger. Not mounted any more is fine.
 *
 * @throws CofferError `BLOCK_DEVICE_BUSY`
 */
export async function umountFileSystem(
  mounted: MountedFileSystem,
  log: Log,
  clock: Clock = systemClock,
): Promise<void> {
  if (!(await isMounted(mounted.path))) return
  const { standIn } = mounted
  // Whatever the copy says, the mount must go.
  const copied =
    standIn === undefined ? undefined : await settled(copyIntoFat(standIn.device, standIn.directory))
  await run(['sync', '--file-system', '--', mounted.path])
  if (!isFat(mounted.type)) {
    const trim = await run(['fstrim', '--verbose', mounted.path], { check: false })
    if (trim.exitCode !== 0) log.debug(`${mounted.mountPoint} could not be trimmed: ${trim.stderr.trim()}`)
  }
  await umountPatiently(mounted.path, clock)
  if (standIn !== undefined) await removeTree(standIn.directory)
  if (copied !== undefined) throw copied
}

/** The error a promise ends with, if any. */
async function settled(promise: Promise<void>): Promise<unknown> {
  return await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

async function umountPatiently(path: string, clock: Clock): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const failure = await settled(unmount(path))
    if (failure === undefined) return
    if (attempt >= UMOUNT_TRIES) {
      throw new CofferError('BLOCK_DEVICE_BUSY', `${path} cannot be unmounted`, {
        hint: `See who uses it: fuser -vm ${path}`,
        cause: failure,
      })
    }
    await clock.sleep(UMOUNT_PAUSE_MS)
  }
}

async function isMounted(path: string): Promise<boolean> {
  return await mountsBelow(path, { inclusive: true }).then(
    (points) => points.length > 0,
    () => false,
  )
}

/** Takes LVM sets out of use. */
export async function deactivateLvm(lvm: readonly LvmNode[]): Promise<void> {
  for (const set of [...lvm].reverse()) {
    for (const argv of lvmUmountCommands(set)) await run(argv)
  }
}

/** Makes LVM forget the disks after they were detached; a failure changes nothing for the image (DIB contract §4.3). */
export async function forgetLvm(lvm: readonly LvmNode[], log: Log): Promise<void> {
  if (lvm.length === 0) return
  const result = await run(LVM_CLEANUP_COMMAND, { check: false })
  if (result.exitCode !== 0) log.info(`pvscan call failed [${result.exitCode}]`)
}
