import { access, mkdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../../lib/clock.ts'
import { isErrno } from '../../../lib/errors.ts'
import { mount, mountsBelow, unmount } from '../../../lib/mount.ts'
import { writeAtomically } from '../../../lib/write-atomically.ts'
import { guestError } from '../errors.ts'
import { STATE_DIRECTORY } from '../state.ts'
import { awaitDevice, type Content, contentOf, format } from './block-device.ts'
import { copyData, emptyDirectory, markOf, setMark } from './data-move.ts'
import { MOUNT_OPTIONS, withVolume } from './fstab.ts'
import type { VolumeControl, VolumeRequest } from './volume-control.ts'

/** Where things are; tests have their own. */
export interface VolumePlaces {
  readonly stateDirectory: string
  readonly fstab: string
  /** Present where mounts at the start are element guest-boot's business. */
  readonly coldplug: string
}

/** Seen in the place of the data only while the volume is not mounted there: the engine's unit does not start then. */
export const MISSING_MARK = '.coffer-volume-missing'

const PLACES: VolumePlaces = {
  stateDirectory: STATE_DIRECTORY,
  fstab: '/etc/fstab',
  coldplug: '/usr/lib/coffer/coldplug',
}

/** Volumes that are block devices. */
export function attachedVolume(places: VolumePlaces = PLACES, clock: Clock = systemClock): VolumeControl {
  return {
    async prepare(request, progress) {
      if ((await mountsBelow(request.mountPoint, { inclusive: true })).includes(request.mountPoint)) return
      progress(`waiting for ${request.devicePath}`)
      await awaitDevice(request.devicePath, clock)
      const content = await makeFileSystem(request, places, progress)
      await fill(request, content, join(places.stateDirectory, 'volume'), progress)
      progress('mounting the volume')
      await remember(request, content, places)
      // The copy on the volume is complete and marked so. What is hidden under the mount would only be mistaken for data.
      await emptyDirectory(request.mountPoint)
      await writeAtomically(join(request.mountPoint, MISSING_MARK), '', 0o644)
      await mountData(request, content, request.mountPoint)
    },
  }
}

/**
 * A blank device gets a file system. One with content is only ever formatted again when this agent has begun to format it
 * while it was blank, and was ended in the middle.
 */
async function makeFileSystem(
  request: VolumeRequest,
  places: VolumePlaces,
  progress: (step: string) => void,
): Promise<Content> {
  const begun = join(places.stateDirectory, 'formatting')
  const content = await contentOf(request.devicePath)
  if (content.type === undefined) await writeAtomically(begun, request.devicePath, 0o600)
  else if ((await textOf(begun)) !== request.devicePath) return content
  progress(`making a file system on ${request.devicePath}`)
  await format(request.devicePath, request.fsType)
  await rm(begun, { force: true })
  return contentOf(request.devicePath)
}

/** Leaves the volume unmounted, with all the data on it. */
async function fill(
  request: VolumeRequest,
  content: Content,
  staging: string,
  progress: (step: string) => void,
): Promise<void> {
  await mkdir(staging, { recursive: true, mode: 0o700 })
  // A predecessor of this process may have been ended while it was mounted.
  if (!(await mountsBelow(staging, { inclusive: true })).includes(staging))
    await mountData(request, content, staging)
  const { instanceId, datastore } = request
  const mark = await markOf(staging)
  const foreign =
    typeof mark === 'object' ? mark.instanceId !== instanceId || mark.datastore !== datastore : false
  if (mark === 'foreign' || foreign) {
    await unmount(staging)
    throw guestError(`the volume ${request.devicePath} holds data of something else and is left as it is`)
  }
  if (mark === 'empty' || mark.state === 'copying') {
    progress('moving the data to the volume')
    await setMark(staging, { instanceId, datastore, state: 'copying' })
    await copyData(request.mountPoint, staging)
    await setMark(staging, { instanceId, datastore, state: 'ready' })
  }
  await unmount(staging)
}

async function mountData(
  request: VolumeRequest,
  { type = request.fsType }: Content,
  target: string,
): Promise<void> {
  await mount({ source: request.devicePath, target, type, options: MOUNT_OPTIONS })
}

/** Device names depend on the order of the disks, so the next start goes by the file system's own id. */
async function remember(
  request: VolumeRequest,
  { uuid, type }: Content,
  places: VolumePlaces,
): Promise<void> {
  if (uuid === undefined) throw guestError(`the file system on ${request.devicePath} has no id`)
  const coldplug = await access(places.coldplug).then(
    () => true,
    () => false,
  )
  const entry = { uuid, mountPoint: request.mountPoint, fsType: type ?? request.fsType }
  const mode = (await stat(places.fstab).catch(() => undefined))?.mode ?? 0o644
  await writeAtomically(places.fstab, withVolume(await textOf(places.fstab), entry, coldplug), mode & 0o777)
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return ''
    throw error
  })
}
