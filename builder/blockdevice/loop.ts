import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type CleanupStack, cleanupStack } from '../../lib/cleanup.ts'
import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import type { Log } from '../../lib/log.ts'
import { mount } from '../../lib/mount.ts'
import { removeTree } from '../../lib/tree.ts'
import { blockDevicesText } from './getval.ts'
import { MAIN_IMAGE } from './layout.ts'
import type { DiskLayout, FileSystemLayout } from './layout-types.ts'
import { deactivateLvm, forgetLvm, type MountedFileSystem, umountFileSystem } from './loop-release.ts'
import { attachLoop, type LoopDevice, type LoopRequest } from './losetup.ts'
import { logicalVolumeDevice, lvmCreateCommands } from './lvm-commands.ts'
import { mke2fsConf } from './mke2fs-conf.ts'
import { mkfsArgv } from './mkfs-command.ts'
import { ensureMountPoint } from './mount-points.ts'
import { writePartitionTable } from './partition-table.ts'
import { isFat } from './plugins/mkfs.ts'
import { createSparse, imagePath } from './raw-file.ts'
import type { BlockDeviceState } from './state.ts'

export type { MountedFileSystem } from './loop-release.ts'

/** What {@link createLoopDevices} takes. */
export interface LoopModeRequest {
  readonly layout: DiskLayout
  /** The file of `image0`; an older one is replaced. */
  readonly rawPath: string
  /** The directory the image's file systems are mounted under: TMP_MOUNT_PATH. It exists. */
  readonly mountBase: string
  readonly log: Log
  /** The build's releases: a build that is stopped half-way unmounts and detaches. */
  readonly cleanup?: CleanupStack | undefined
  /** True leaves devices and mounts behind when this process ends (dib-block-device create). Default false. */
  readonly persistent?: boolean | undefined
}

/** A disk in use. */
export interface LoopDevices {
  /** `IMAGE_BLOCK_DEVICE`: the whole disk. */
  readonly imageBlockDevice: string
  /** `IMAGE_BLOCK_DEVICES`, with DIB's spacing (contract §1.5). */
  readonly imageBlockDevices: string
  /** In the order they were mounted. */
  readonly mounts: readonly MountedFileSystem[]
  /** Loop devices in the order they were attached. */
  readonly devices: readonly string[]
  /** The same in the shape of DIB's state.json. */
  readonly state: BlockDeviceState
  /** Trims and unmounts the file systems and detaches the devices; the image file stays. Safe to call twice. */
  readonly umount: () => Promise<void>
  /** What DIB does after umount: LVM forgets the disks. Unmounts too if that has not happened. Safe to call twice. */
  readonly cleanup: () => Promise<void>
}

/**
 * Makes the disk through loop devices and mounts its file systems, for elements that want a real device and for file
 * systems that cannot be written otherwise: one loop device for each whole disk, and one for each partition with an offset
 * and a size limit, so that neither kpartx nor device-mapper is needed. File systems are made with DIB's command lines.
 * Where the kernel has no FAT, a directory stands in for such a file system and is copied into it by umount.
 *
 * If anything fails, everything is undone and the image file is removed (DIB contract §4.3, rollback; unlike DIB, mounts are
 * undone too).
 *
 * @throws CofferError `BLOCK_DEVICE_NO_LOOP`, `BLOCK_DEVICE_LVM_UNAVAILABLE`, `BLOCK_DEVICE_TREE_UNSAFE`, `COMMAND_FAILED`
 */
export async function createLoopDevices(request: LoopModeRequest): Promise<LoopDevices> {
  const { layout, log } = request
  if (layout.lvm.length > 0) await requireLvm()
  const stack = cleanupStack()
  const done = request.cleanup?.defer('the loop devices of the image', stack.release)
  try {
    return await create(request, stack, () => done?.())
  } catch (error) {
    log.debug('Create failed; rollback initiated')
    await stack.release()
    done?.()
    for (const image of layout.images) await rm(imagePath(image, request.rawPath), { force: true })
    throw error
  }
}

async function create(
  request: LoopModeRequest,
  stack: CleanupStack,
  released: () => void,
): Promise<LoopDevices> {
  const { layout, log } = request
  const blockdev: Record<string, { device: string; image?: string }> = {}
  const devices: string[] = []
  const attach = async (loop: Omit<LoopRequest, 'persistent'>): Promise<string> => {
    let attached: LoopDevice | undefined
    stack.defer(`a loop device of ${loop.path}`, async () => await attached?.detach())
    attached = await attachLoop({ ...loop, persistent: request.persistent === true })
    devices.push(attached.device)
    return attached.device
  }
  for (const image of layout.images) {
    const path = imagePath(image, request.rawPath)
    await createSparse(path, image.sizeBytes)
    const device = await attach({ path, sectorSize: image.sectorSize })
    blockdev[image.name] = { device, image: path }
    if (image.table === undefined) continue
    await writePartitionTable(image.table, { name: device })
    for (const { name } of image.table.partitions) {
      const extent = name === undefined ? undefined : layout.extents[name]
      if (name === undefined || extent === undefined) continue
      blockdev[name] = { device: await attach({ path, ...extent, sectorSize: image.sectorSize }) }
    }
  }
  await createVolumes(layout, blockdev, stack)
  const fileSystems = await makeFileSystems(layout, blockdev, dirname(request.rawPath))
  const mounts = await mountAll(request, fileSystems, stack)
  let open = true
  const umount = async (): Promise<void> => {
    await stack.release()
    released()
  }
  return {
    imageBlockDevice: blockdev[MAIN_IMAGE]?.device ?? '',
    imageBlockDevices: blockDevicesText(blockdev),
    mounts,
    devices,
    state: stateOf(layout, blockdev, fileSystems, mounts),
    umount,
    async cleanup() {
      await umount()
      if (open) await forgetLvm(layout.lvm, log)
      open = false
    },
  }
}

type BlockDevices = Record<string, { device: string; image?: string }>

async function createVolumes(layout: DiskLayout, blockdev: BlockDevices, stack: CleanupStack): Promise<void> {
  for (const lvm of layout.lvm) {
    stack.defer(`the volumes of ${lvm.name}`, () => deactivateLvm([lvm]))
    for (const argv of lvmCreateCommands(lvm, (base) => blockdev[base]?.device ?? base)) await run(argv)
    for (const lv of lvm.lvs) blockdev[lv.name] = { device: logicalVolumeDevice(lv) }
  }
}

interface MadeFileSystem {
  readonly fileSystem: FileSystemLayout
  readonly device: string
}

async function makeFileSystems(
  layout: DiskLayout,
  blockdev: BlockDevices,
  directory: string,
): Promise<MadeFileSystem[]> {
  const scratch = await mkdtemp(join(directory, 'mkfs-'))
  try {
    const config = join(scratch, 'mke2fs.conf')
    await writeFile(config, mke2fsConf({ checksums: true }))
    const made: MadeFileSystem[] = []
    for (const fileSystem of layout.fileSystems) {
      const device = blockdev[fileSystem.base]?.device ?? ''
      await run(mkfsArgv(fileSystem, device), { env: { ...process.env, MKE2FS_CONFIG: config } })
      made.push({ fileSystem, device })
    }
    return made
  } finally {
    await removeTree(scratch)
  }
}

async function mountAll(
  request: LoopModeRequest,
  made: readonly MadeFileSystem[],
  stack: CleanupStack,
): Promise<MountedFileSystem[]> {
  const mounted: MountedFileSystem[] = []
  for (const { mountPoint, fileSystem, swap } of request.layout.mounts) {
    const on = made.find((candidate) => candidate.fileSystem.name === fileSystem)
    if (swap || on === undefined) continue
    const path = await ensureMountPoint(request.mountBase, mountPoint)
    const type = on.fileSystem.type
    const standIn =
      isFat(type) && !(await kernelMounts('vfat')) ? await standInFor(on.device, request.rawPath) : undefined
    const entry = { mountPoint, path, type, standIn }
    stack.defer(`the mount ${path}`, () => umountFileSystem(entry, request.log))
    if (standIn === undefined) await mount({ source: on.device, target: path })
    else await mount({ source: standIn.directory, target: path, options: ['bind'] })
    mounted.push(entry)
  }
  return mounted
}

/** Beside the image, so that it goes away with the build's own directory whatever happens. */
async function standInFor(device: string, rawPath: string): Promise<{ directory: string; device: string }> {
  return { directory: await mkdtemp(join(dirname(rawPath), 'fat-')), device }
}

/** True when the kernel has a file system; one in a module is loaded if it can be. */
async function kernelMounts(type: string): Promise<boolean> {
  const known = async () =>
    (await readFile('/proc/filesystems', 'utf8')).split('\n').some((line) => line.split('\t')[1] === type)
  if (await known()) return true
  await run(['modprobe', '--quiet', type], { check: false }).catch(() => undefined)
  return await known()
}

function stateOf(
  layout: DiskLayout,
  blockdev: BlockDevices,
  made: readonly MadeFileSystem[],
  mounts: readonly MountedFileSystem[],
): BlockDeviceState {
  return {
    blockdev,
    filesys: Object.fromEntries(
      made.map(({ fileSystem, device }) => [
        fileSystem.name,
        {
          uuid: fileSystem.uuid,
          label: fileSystem.label,
          fstype: fileSystem.type,
          opts: fileSystem.options,
          device,
        },
      ]),
    ),
    mount: Object.fromEntries(
      layout.mounts.map(({ name, mountPoint, fileSystem, swap }) => [
        mountPoint,
        {
          name,
          base: fileSystem,
          path: swap ? 'none' : (mounts.find((entry) => entry.mountPoint === mountPoint)?.path ?? ''),
        },
      ]),
    ),
    mount_order: layout.mounts.map(({ mountPoint }) => mountPoint),
  }
}

/** @throws CofferError `BLOCK_DEVICE_LVM_UNAVAILABLE` where the kernel or the tools of LVM are missing. */
async function requireLvm(): Promise<void> {
  const kernel = await haveDeviceMapper()
  const tools = await run(['lvm', 'version'], { check: false }).then(
    () => true,
    () => false,
  )
  if (kernel && tools) return
  throw new CofferError(
    'BLOCK_DEVICE_LVM_UNAVAILABLE',
    kernel
      ? 'The layout uses LVM, but the lvm tools are not installed on this machine'
      : 'The layout uses LVM, but this machine has no device-mapper',
    {
      hint: kernel
        ? 'On Debian: apt-get install lvm2'
        : 'Choose a layout without LVM, or build on a machine whose kernel has it (modprobe dm-mod).',
    },
  )
}

/** The control node may exist where the kernel has no driver behind it: the kernel's own list decides. */
export async function haveDeviceMapper(): Promise<boolean> {
  const listed = async () => /^\s*\d+ device-mapper$/m.test(await readFile('/proc/misc', 'utf8'))
  if (await listed()) return true
  await run(['modprobe', '--quiet', 'dm-mod'], { check: false }).catch(() => undefined)
  return await listed()
}
