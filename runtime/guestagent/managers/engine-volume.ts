import type { VolumeArgs } from '../../rpc/guest-methods.ts'
import { guestError } from '../errors.ts'
import type { ManagerHost } from './host.ts'

/**
 * Puts an engine's data on its volume; without one the data stays on the root disk.
 *
 * @param home where the image has the engine's data, and where the volume is mounted
 * @throws CofferError `GUEST_ERROR`
 */
export async function prepareEngineVolume(
  datastore: string,
  home: string,
  host: ManagerHost,
  args: VolumeArgs,
  progress: (step: string) => void,
): Promise<void> {
  const { device_path: devicePath, mount_point: mountPoint = home, volume_fstype: fsType = 'ext4' } = args
  if (devicePath === undefined) return
  // The engine's unit, its sandbox and its programs all know the one place.
  if (mountPoint !== home) {
    throw guestError(`mount_point ${mountPoint} is not where this image has ${datastore}'s data: ${home}`)
  }
  await host.volume.prepare({ devicePath, mountPoint, fsType, instanceId: host.guestId, datastore }, progress)
}
