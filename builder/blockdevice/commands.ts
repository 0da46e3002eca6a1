import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { removeTree } from '../../lib/tree.ts'
import { flatten, parseConfig } from './config.ts'
import { writeFstab } from './fstab.ts'
import { getval } from './getval.ts'
import { buildGraph } from './graph.ts'
import { type DiskLayout, layOut, MAIN_IMAGE } from './layout.ts'
import { createLoopDevices, type MountedFileSystem } from './loop.ts'
import { deactivateLvm, forgetLvm, umountFileSystem } from './loop-release.ts'
import { backingFile, detachLoop } from './losetup.ts'
import type { ParamsFile } from './params-file.ts'
import { imagePath } from './raw-file.ts'
import { parseSize } from './size.ts'
import { type BlockDeviceState, loadConfig, readJson, saveConfig, saveJson, stateDirectory } from './state.ts'
import type { ConfigEntry } from './types.ts'

/** What `create` leaves for the commands after it, in nodes.json (DIB: nodes.pickle). */
interface Nodes {
  readonly mounts: readonly MountedFileSystem[]
  readonly devices: readonly string[]
  readonly lvm: DiskLayout['lvm']
  readonly images: readonly string[]
  readonly fstab: string
}

/** The commands of `dib-block-device` (DIB contract §3.4), each one process of a build. */
export interface BlockDeviceCommands {
  /** Reads and checks the configuration and writes config.json. */
  readonly init: () => Promise<void>
  /** The value of a symbol; undefined for one that does not exist. */
  readonly getval: (symbol: string) => Promise<string | undefined>
  /** Makes image, devices and file systems and mounts them. They outlive this process. */
  readonly create: () => Promise<void>
  readonly umount: () => Promise<void>
  readonly cleanup: () => Promise<void>
  /** Everything that `create` made, the image files too, is gone. */
  readonly delete: () => Promise<void>
  /** Writes `<build-dir>/built/etc/fstab`. */
  readonly writefstab: () => Promise<void>
}

/** The commands for one build. */
export function blockDeviceCommands(params: ParamsFile, log: Log): BlockDeviceCommands {
  const directory = stateDirectory(params.buildDir)
  const nodesPath = join(directory, 'nodes.json')
  const config = async (): Promise<ConfigEntry[]> => {
    const flat = await loadConfig(directory)
    if (flat !== undefined) return flat
    throw stateMissing('The block device configuration is not initialised')
  }
  const nodes = () => readJson<Nodes>(nodesPath)
  const requireNodes = async (): Promise<Nodes> => {
    const found = await nodes()
    if (found === undefined) throw stateMissing('Pickle file not found')
    return found
  }
  return {
    async init() {
      const flat = flatten(parseConfig(await readFile(params.config, 'utf8')), params)
      await saveConfig(directory, flat)
    },
    async getval(symbol) {
      const state = await readJson<BlockDeviceState>(join(directory, 'state.json'))
      return getval(symbol, { config: await config(), state })
    },
    async create() {
      const size = params.imageSize === undefined ? 0 : parseSize(params.imageSize)
      const layout = layOut(buildGraph(await config(), params), size)
      const rawPath = join(params.imageDir, `${MAIN_IMAGE}.raw`)
      const made = await createLoopDevices({
        layout,
        rawPath,
        mountBase: params.mountBase,
        log,
        persistent: true,
      })
      const { mounts, devices } = made
      const images = layout.images.map((image) => imagePath(image, rawPath))
      const left: Nodes = { mounts, devices, lvm: layout.lvm, images, fstab: layout.fstab }
      await saveJson(directory, 'state.json', made.state)
      await saveJson(directory, 'nodes.json', left)
    },
    async umount() {
      const left = await nodes()
      if (left === undefined) log.info('State already cleaned - no way to do anything here')
      else await umountAll(left, log)
    },
    async cleanup() {
      const left = await requireNodes()
      await forgetLvm(left.lvm, log)
      await removeTree(directory)
    },
    async delete() {
      const left = await requireNodes()
      await umountAll(left, log)
      for (const image of left.images) await rm(image, { force: true })
      await removeTree(directory)
    },
    async writefstab() {
      const left = await nodes()
      if (left === undefined) throw stateMissing('State dump not found')
      await writeFstab(left, join(params.buildDir, 'built'))
    },
  }
}

async function umountAll(left: Nodes, log: Log): Promise<void> {
  for (const mounted of [...left.mounts].reverse()) await umountFileSystem(mounted, log)
  await deactivateLvm(left.lvm)
  for (const device of [...left.devices].reverse()) {
    // The number may belong to someone else by now.
    const file = await backingFile(device)
    if (file !== undefined && left.images.includes(file)) await detachLoop(device)
  }
}

function stateMissing(message: string): CofferError {
  return new CofferError('BLOCK_DEVICE_STATE_MISSING', message, {
    hint: 'The order is: init, create, writefstab, umount, cleanup.',
  })
}
