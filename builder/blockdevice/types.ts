/** The plugins of DIB's block device layer, from the disk upwards (DIB contract §4.1). */
export const PLUGIN_NAMES = ['local_loop', 'partitioning', 'lvm', 'mkfs', 'mount', 'fstab'] as const
export type PluginName = (typeof PLUGIN_NAMES)[number]

/** Values of one configuration entry, as YAML gave them. Key order is kept. */
export type EntryValues = Readonly<Record<string, unknown>>

/** One entry of a configuration: a plugin and its values. Before flattening the values may hold further plugins. */
export interface ConfigEntry {
  readonly plugin: PluginName
  readonly values: EntryValues
}

/** What the driver hands to the block device layer beside the configuration: DIB's params.yaml (contract §3.4). */
export interface BlockDeviceParams {
  /** `root-fs-type`: FS_TYPE, for the entry `mkfs_root` only. */
  readonly rootFsType?: string | undefined
  /** `root-fs-opts`: options for `mkfs_root` only. */
  readonly rootFsOpts?: string | undefined
  /** `root-label`: label for `mkfs_root` only. Unset: `cloudimg-rootfs`, on xfs `img-rootfs`. */
  readonly rootLabel?: string | null | undefined
  /** Bytes in a logical sector, 512 or 4096 (env `DIB_BLOCK_SIZE`). Default 512. */
  readonly blockSize?: number | undefined
  /** A UUID for a named thing (`filesystem mkfs_root`, `disk image0`). Default: random. Fix it for equal images. */
  readonly identify?: ((what: string) => string) | undefined
}

/** True for a name of a plugin. */
export function isPluginName(name: string): name is PluginName {
  return (PLUGIN_NAMES as readonly string[]).includes(name)
}

/** True for a YAML mapping. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
