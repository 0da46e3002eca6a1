import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { run } from '../../lib/exec.ts'
import { flatten, parseConfig } from '../blockdevice/config.ts'
import { writeFstab } from '../blockdevice/fstab.ts'
import { getval } from '../blockdevice/getval.ts'
import { buildGraph } from '../blockdevice/graph.ts'
import { installGrub } from '../blockdevice/grub.ts'
import { identitiesFrom } from '../blockdevice/identity.ts'
import { type DiskLayout, layOut, MAIN_IMAGE } from '../blockdevice/layout.ts'
import { createLoopDevices } from '../blockdevice/loop.ts'
import { imageSizeKiB, mkfsOptions } from '../blockdevice/size.ts'
import { writeImageFile } from '../blockdevice/write-file.ts'

import { driverSteps } from '../cache/cache-steps.ts'
import type { Build } from './build.ts'
import type { Stage } from './stage.ts'
import { treeKiB } from './tree-size.ts'
import type { TreeSteps } from './tree-steps.ts'

/** A disk on its way: where the raw file is, and what is mounted while scripts run. */
export interface BuildDisk {
  readonly rawPath: string
  /** Mount points of the image's own file systems, relative to the tree. Empty in file mode. */
  readonly mountPoints: readonly string[]
  /** Unmounts and frees devices; the raw file stays. Safe to call twice. */
  readonly release: () => Promise<void>
}

/** Decides the layout's names, so that scripts know root label, type and mount points (DIB contract §1.1 step 8). */
export async function initDisk(build: Build): Promise<void> {
  const { directories, request, blockDeviceYaml } = build.job
  const directory = `${directories.build}/block-device`
  await mkdir(directory, { recursive: true })
  await writeFile(`${directory}/config.yaml`, blockDeviceYaml)
  await writeFile(
    `${directory}/params.yaml`,
    [
      `config: ${directory}/config.yaml`,
      `image-dir: ${directories.image}`,
      `root-fs-type: ${request.fsType}`,
      `root-label: ${request.rootLabel ?? ''}`,
      `mount-base: ${directories.mount}`,
      `build-dir: ${directories.build}`,
      '',
    ].join('\n'),
  )
  const config = flatten(parseConfig(blockDeviceYaml), parameters(build))
  const value = (symbol: string) => getval(symbol, { config }) ?? ''
  build.env.DIB_ROOT_LABEL = value('root-label')
  build.env.DIB_ROOT_FSTYPE = value('root-fstype')
  build.env.DIB_BOOT_LABEL = value('boot-label')
  build.env.DIB_MOUNTPOINTS = value('mount-points')
}

/** Exports the size the image will have, in KiB, before block-device.d (DIB contract §1.1 step 21). */
export async function sizeDisk(build: Build, steps: TreeSteps): Promise<void> {
  // Only scripts want to know it before the disk is written.
  if (steps.complete) return
  await steps.enter(atBuilt(build))
  await rm(`${build.job.directories.built}/lost+found`, { recursive: true, force: true })
  await showUsage(build)
  build.env.DIB_IMAGE_SIZE = String(await sizeKiB(build, build.job.directories.built))
}

/** During block-device.d the tree is nobody's mount point. */
function atBuilt({ job }: Build): Stage {
  return { at: job.directories.built, chroot: false, hooksInside: false }
}

/** What takes the space: `DIB_SHOW_IMAGE_USAGE` from 10 MiB on, `DIB_SHOW_IMAGE_USAGE_FULL` all (DIB contract §4.6). */
async function showUsage(build: Build): Promise<void> {
  const asked = (name: string) => !['', '0'].includes(build.env[name] ?? '')
  const full = asked('DIB_SHOW_IMAGE_USAGE_FULL')
  if (!full && !asked('DIB_SHOW_IMAGE_USAGE')) return
  const threshold = full ? [] : ['--threshold=10M']
  const usage = await run(['du', '-a', '-x', '--block-size=1K', ...threshold, '.'], {
    cwd: build.job.directories.built,
  })
  const rows = usage.stdout.trim().split('\n')
  const size = (row: string) => Number.parseInt(row, 10)
  build.print('Disk usage of the image in KiB:')
  for (const row of rows.sort((a, b) => size(b) - size(a))) build.print(row)
}

async function sizeKiB(build: Build, tree: string): Promise<number> {
  const { size } = build.job.request
  const efi = build.job.elements.some(({ name }) => name.startsWith('block-device-efi'))
  if (efi) build.print('Expanding disk for EFI partition')
  return imageSizeKiB({
    usedKiB: treeKiB(tree),
    imageSizeGiB: size.imageSizeGiB,
    extraMiB: size.extraMiB,
    journalMiB: size.journalMiB,
    rootFsType: build.env.DIB_ROOT_FSTYPE ?? 'ext4',
    efi,
  })
}

function parameters(build: Build) {
  const { request } = build.job
  return {
    rootFsType: request.fsType,
    rootLabel: request.rootLabel,
    rootFsOpts: mkfsOptions({
      rootFsType: build.env.DIB_ROOT_FSTYPE ?? request.fsType,
      journalMiB: request.size.journalMiB,
      userOptions: request.size.mkfsOptions,
      maxOnlineResize: request.size.maxOnlineResize,
      release: build.env.DIB_RELEASE,
    }),
    identify: identitiesFrom(build.job.seed),
  }
}

function layoutOf(build: Build, kib: number): DiskLayout {
  const flat = flatten(parseConfig(build.job.blockDeviceYaml), parameters(build))
  return layOut(buildGraph(flat, parameters(build)), kib * 1024)
}

/**
 * Puts the tree where finalise.d finds it: back at TMP_MOUNT_PATH as a directory, or copied into mounted file systems
 * (DIB contract §1.1 steps 23 and 24).
 */
export async function createDisk(build: Build, steps: TreeSteps): Promise<BuildDisk> {
  const { directories, loopReason } = build.job
  const rawPath = `${directories.image}/${MAIN_IMAGE}.raw`
  const inLoopMode = loopReason !== undefined && build.env.IMAGE_BLOCK_DEVICE === undefined
  if (inLoopMode) steps.freeze('the disk is written through loop devices')
  const stage = inLoopMode ? atBuilt(build) : { ...atBuilt(build), at: directories.mount }
  await steps.driver(driverSteps.fstab, stage, () =>
    writeFstab(layoutOf(build, Number(build.env.DIB_IMAGE_SIZE)), stage.at),
  )
  if (!inLoopMode) return { rawPath, mountPoints: [], release: async () => undefined }
  const kib = Number(build.env.DIB_IMAGE_SIZE)
  const layout = layoutOf(build, kib)
  build.print(`Writing the disk through loop devices: ${loopReason}`)
  build.print(`image-size: ${kib}KiB`)
  await mkdir(directories.mount)
  const devices = await createLoopDevices({
    layout,
    rawPath,
    mountBase: directories.mount,
    cleanup: build.cleanup,
    log: build.log,
  })
  build.env.IMAGE_BLOCK_DEVICE = devices.imageBlockDevice
  build.env.IMAGE_BLOCK_DEVICES = devices.imageBlockDevices
  await run(['cp', '-a', '--', `${directories.built}/.`, directories.mount])
  await steps.discard()
  steps.becomePlain()
  return {
    rawPath,
    mountPoints: layout.mounts.filter(({ swap }) => !swap).map(({ mountPoint }) => mountPoint),
    release: async () => {
      await devices.umount()
      await devices.cleanup()
    },
  }
}

/** In file mode: writes the disk from the finished tree, with boot code if the tree has a GRUB configuration. */
export async function writeDisk(build: Build, disk: BuildDisk): Promise<void> {
  const { sourceDate } = build
  if (disk.mountPoints.length > 0) {
    const reason = 'was written through loop devices, where the kernel decides what goes where'
    if (sourceDate !== undefined) build.unreproducible.push({ path: '/', reason })
    return
  }
  const tree = build.job.directories.mount
  const layout = layoutOf(build, await sizeKiB(build, tree))
  const disks = { layout, tree, rawPath: disk.rawPath, sourceDate, log: build.log }
  build.unreproducible.push(...(await writeImageFile({ ...disks, cleanup: build.cleanup })))
  const bootable = (await stat(`${tree}/boot/grub/grub.cfg`).catch(() => undefined)) !== undefined
  if (bootable) await installGrub({ ...disks, arch: build.job.request.arch })
}
