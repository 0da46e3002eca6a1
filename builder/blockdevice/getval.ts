import { CofferError } from '../../lib/errors.ts'
import { configError } from './errors.ts'
import { fileSystemLabel } from './plugins/mkfs.ts'
import { pythonText } from './python-text.ts'
import type { BlockDeviceState } from './state.ts'
import type { ConfigEntry } from './types.ts'

/** What {@link getval} reads from. */
export interface GetvalSources {
  /** The flattened configuration. */
  readonly config: readonly ConfigEntry[]
  /** What `create` left behind; undefined before it. */
  readonly state?: BlockDeviceState | undefined
}

/**
 * The value of a symbol of `dib-block-device getval` (DIB contract §3.4): `root-label`, `root-fstype`, `boot-label`
 * and `mount-points` from the configuration; `image-path`, `image-block-device` and `image-block-devices` from the
 * state. Undefined for a symbol that does not exist.
 *
 * Departure: where a label is not configured we give the one the file system will get; DIB ends with a traceback.
 *
 * @throws CofferError `BLOCK_DEVICE_STATE_MISSING` for a symbol of the state before `create`.
 */
export function getval(symbol: string, sources: GetvalSources): string | undefined {
  const { config } = sources
  switch (symbol) {
    case 'root-label':
      return labelOf(requireRoot(config))
    case 'root-fstype':
      return pythonText(requireRoot(config).values.type)
    case 'boot-label': {
      const boot = mountedAt(config, '/boot')
      return boot === undefined ? '' : labelOf(boot)
    }
    case 'mount-points':
      return config
        .filter((entry) => entry.plugin === 'mount')
        .map((entry) => pythonText(entry.values.mount_point))
        .join('|')
  }
  if (sources.state === undefined) {
    throw new CofferError('BLOCK_DEVICE_STATE_MISSING', 'State dump not found', {
      hint: 'Run dib-block-device create first.',
    })
  }
  const { blockdev } = sources.state
  switch (symbol) {
    case 'image-path':
      return blockdev.image0?.image
    case 'image-block-device':
      return blockdev.image0?.device
    case 'image-block-devices':
      return blockDevicesText(blockdev)
    default:
      return undefined
  }
}

/**
 * `IMAGE_BLOCK_DEVICES`: text for a bash associative array, with DIB's spacing: ` [image0]=/dev/loop0  [root]=/dev/loop1 `
 * (DIB contract §1.5).
 */
export function blockDevicesText(blockdev: BlockDeviceState['blockdev']): string {
  return Object.entries(blockdev)
    .map(([name, { device }]) => ` [${name}]=${device} `)
    .join('')
}

function requireRoot(config: readonly ConfigEntry[]): ConfigEntry {
  const root = mountedAt(config, '/')
  if (root === undefined) throw configError('The block device configuration mounts nothing at /')
  return root
}

/** The mkfs entry whose file system is mounted at a place. */
function mountedAt(config: readonly ConfigEntry[], mountPoint: string): ConfigEntry | undefined {
  const mount = config.find((entry) => entry.plugin === 'mount' && entry.values.mount_point === mountPoint)
  return config.find((entry) => entry.plugin === 'mkfs' && entry.values.name === mount?.values.base)
}

function labelOf(mkfs: ConfigEntry): string {
  return fileSystemLabel(pythonText(mkfs.values.type), pythonText(mkfs.values.label ?? mkfs.values.name))
}
