import { open, stat } from 'node:fs/promises'
import type { Clock } from '../../../lib/clock.ts'
import { isErrno } from '../../../lib/errors.ts'
import { type Argv, run } from '../../../lib/exec.ts'
import { guestError } from '../errors.ts'

/** What a device holds. */
export interface Content {
  /** A file system's type, or what else was found; undefined on a blank device. */
  readonly type?: string | undefined
  readonly uuid?: string | undefined
}

const LABEL = 'coffer-data'
const PATIENCE_MS = 120_000
const PAUSE_MS = 200
const MARKS_BYTES = 128 * 1024

/** How a file system is made, by type. Few blocks are kept back: the engine is the volume's only user. */
const MKFS: Readonly<Record<string, (device: string) => Argv>> = {
  ext2: (device) => ['mkfs.ext2', '-q', '-F', '-m', '1', '-L', LABEL, device],
  ext3: (device) => ['mkfs.ext3', '-q', '-F', '-m', '1', '-L', LABEL, device],
  ext4: (device) => ['mkfs.ext4', '-q', '-F', '-m', '1', '-L', LABEL, device],
  xfs: (device) => ['mkfs.xfs', '-q', '-f', '-L', LABEL, device],
}

/** Waits until a block device is there. @throws CofferError `GUEST_ERROR` */
export async function awaitDevice(device: string, clock: Clock): Promise<void> {
  if (!/^\/dev\/[A-Za-z0-9/_-]+$/.test(device)) throw guestError(`${device} is no path of a device`)
  const deadline = clock.now().getTime() + PATIENCE_MS
  for (;;) {
    try {
      if ((await stat(device)).isBlockDevice()) return
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error
    }
    if (clock.now().getTime() > deadline) throw guestError(`the volume ${device} did not appear`)
    await clock.sleep(PAUSE_MS)
  }
}

/** Looks at the device itself, without any cache. @throws CofferError `GUEST_ERROR` when it cannot be read */
export async function contentOf(device: string): Promise<Content> {
  const found = await run(['blkid', '--probe', '--output', 'export', '--', device], { check: false })
  // 2: nothing is known of it; or, with words on it, it could not be read, and then nobody knows what is on it. 8: several file systems at once, which is nothing to write on either.
  if (found.exitCode === 2 && found.stderr === '' && (await isReadable(device))) return {}
  if (found.exitCode !== 0) throw guestError(`the volume ${device} could not be examined`)
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(found.stdout)?.[1]
  return { type: value('TYPE') ?? value('PTTYPE') ?? 'unknown', uuid: value('UUID') }
}

/** Whether the place can be read where file systems have their marks: blkid takes a broken device for a blank one. */
async function isReadable(device: string): Promise<boolean> {
  try {
    const file = await open(device, 'r')
    await file.read(Buffer.alloc(MARKS_BYTES), 0, MARKS_BYTES, 0).finally(() => file.close())
    return true
  } catch {
    return false
  }
}

/** Makes a file system. The caller has made sure that nothing is lost. @throws CofferError `GUEST_ERROR` */
export async function format(device: string, fsType: string): Promise<void> {
  const argv = Object.hasOwn(MKFS, fsType) ? MKFS[fsType] : undefined
  if (argv === undefined) {
    throw guestError(`volume_fstype ${fsType} is not one of ${Object.keys(MKFS).join(', ')}`)
  }
  const result = await run(argv(device), { check: false, timeoutMs: 600_000 })
  if (result.exitCode !== 0) throw guestError(`${argv(device)[0]} failed on ${device}: ${result.stderr}`)
}
