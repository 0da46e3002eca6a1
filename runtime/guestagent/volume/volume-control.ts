/** What `prepare` wants of a volume. */
export interface VolumeRequest {
  /** `/dev/vdb` */
  readonly devicePath: string
  /** Where the engine's data lives in the image, and where the volume is mounted. */
  readonly mountPoint: string
  /** `ext4`, `xfs`, … */
  readonly fsType: string
  /** Recorded on the volume: data of another instance is never taken over. */
  readonly instanceId: string
  readonly datastore: string
}

/** Puts the engine's data on a volume. In guests block devices do it; tests against real engines leave it out. */
export interface VolumeControl {
  /**
   * Formats a blank volume, moves the image's data onto it, mounts it in its place now and at each start. Can be repeated
   * after a kill at any point. The engine must not run.
   *
   * @throws CofferError `GUEST_ERROR` when the device does not come, holds other data, or an operation on it fails.
   */
  readonly prepare: (request: VolumeRequest, progress: (step: string) => void) => Promise<void>
}

/** For guests without a volume, and for tests. */
export const noVolume: VolumeControl = { prepare: async () => undefined }
