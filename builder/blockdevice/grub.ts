import { access, mkdtemp, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cleanupStack } from '../../lib/cleanup.ts'
import { CofferError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { removeTree } from '../../lib/tree.ts'
import { fatTarget, mtools } from './fat.ts'
import {
  BIOS,
  EFI_AMD64,
  EFI_ARM64,
  GRUB_DIRECTORY,
  type GrubPlatform,
  makeGrubImage,
  requireGrub,
} from './grub-images.ts'
import { MAIN_IMAGE } from './layout.ts'
import type { DiskLayout, Extent, FileSystemLayout, ImageLayout } from './layout-types.ts'
import { BIOS_BOOT_GUID, ESP_GUID } from './partition-types.ts'
import { isFat } from './plugins/mkfs.ts'
import { imagePath, rawFile, writeAt } from './raw-file.ts'

const SECTOR = 512

/** Bytes of the master boot record that hold code; the disk signature and the table follow (GRUB, boot.img). */
const BOOT_CODE_BYTES = 440

/*
 * Fields of GRUB's images, as grub-bios-setup fills them (GRUB 2: include/grub/i386/pc/boot.h, util/setup.c,
 * grub-core/boot/i386/pc/boot.S and diskboot.S).
 */
/** boot.img: 64-bit number of the sector that holds the first sector of core.img. */
const KERNEL_SECTOR = 0x5c
/** boot.img: a jump around the check of the drive number; two no-ops on a hard disk, for BIOSes that pass a wrong one. */
const DRIVE_CHECK = 0x66
/** core.img, first sector: 64-bit number of the sector where the rest begins. Its length is filled in already. */
const CORE_NEXT_SECTOR = 0x1f4

/** What decides the boot code beside the layout. */
export interface BootCode {
  /** `ARCH`: amd64 or arm64. */
  readonly arch: string
  /** Where the host's GRUB lives. Default `/usr/lib/grub`. */
  readonly grubDirectory?: string | undefined
}

/** What {@link installGrub} takes. */
export interface InstallGrubRequest extends BootCode {
  readonly layout: DiskLayout
  /** The tree; only for messages, the disk has been written from it. */
  readonly tree: string
  readonly rawPath: string
  /** The time of what is put on the ESP: seconds since 1970. Undefined: now. */
  readonly sourceDate?: number | undefined
  readonly log?: Log | undefined
}

/** Which firmware will find boot code on the disk. */
export interface InstalledBoot {
  readonly bios: boolean
  readonly efi: boolean
}

/** The boot code a tree asks for: GRUB, if it has a /boot/grub/grub.cfg. */
export async function bootCodeFor(tree: string, arch: string): Promise<BootCode | undefined> {
  try {
    await access(join(tree, GRUB_DIRECTORY, 'grub.cfg'))
    return { arch }
  } catch {
    return undefined
  }
}

/**
 * Puts GRUB on a finished image: for BIOS in the BIOS boot partition of a GPT or in the gap behind an MBR, for UEFI as
 * `\\EFI\\BOOT\\BOOTX64.EFI` (`BOOTAA64.EFI`) on the ESP. A boot program that the tree put there is kept. Where the
 * layout has no place for one of them it is left out; where it has none for either, a warning says that the disk does
 * not boot.
 *
 * @throws CofferError `GRUB_NOT_INSTALLED`, `BOOT_CODE_TOO_LARGE`, `BOOT_CODE_ARCH_UNKNOWN`
 */
export async function installGrub(request: InstallGrubRequest): Promise<InstalledBoot> {
  const { layout, rawPath, log } = request
  const platforms = platformsOf(request.arch)
  const image = layout.images.find((candidate) => candidate.name === MAIN_IMAGE)
  const area = image === undefined || platforms.bios === undefined ? undefined : coreArea(image)
  const esp = espOf(layout)
  const directory = request.grubDirectory ?? '/usr/lib/grub'
  const cleanup = cleanupStack()
  try {
    const scratch = await mkdtemp(join(dirname(rawPath), 'grub-'))
    cleanup.defer(`the directory ${scratch}`, () => removeTree(scratch))
    // At a time: most of it is waiting for grub-mkimage. They write to different places.
    const both = await Promise.allSettled([
      image && area && installBios(layout, imagePath(image, rawPath), area, directory, scratch),
      esp && installEfi(request, platforms.efi, esp, directory, scratch),
    ])
    for (const one of both) if (one.status === 'rejected') throw one.reason
  } finally {
    await cleanup.release()
  }
  const installed = { bios: area !== undefined, efi: esp !== undefined }
  if (!installed.bios && !installed.efi) {
    log?.warn('The disk layout has no place for a boot loader, so the image does not boot by itself')
  }
  return installed
}

function platformsOf(arch: string): {
  readonly bios: GrubPlatform | undefined
  readonly efi: GrubPlatform
  readonly efiName: string
} {
  if (/^(amd64|x86_64|i386)$/.test(arch)) return { bios: BIOS, efi: EFI_AMD64, efiName: 'BOOTX64.EFI' }
  if (/^(arm64|aarch64)$/.test(arch)) return { bios: undefined, efi: EFI_ARM64, efiName: 'BOOTAA64.EFI' }
  throw new CofferError('BOOT_CODE_ARCH_UNKNOWN', `No boot code is known for the architecture ${arch}`, {
    hint: 'amd64 and arm64 are known.',
  })
}

/** Where core.img goes: the BIOS boot partition, or the free sectors between an MBR and its first partition. */
function coreArea(image: ImageLayout): Extent | undefined {
  const { table } = image
  if (table === undefined) return undefined
  if (table.label === 'gpt') {
    const partition = table.partitions.find((candidate) => candidate.typeId === BIOS_BOOT_GUID)
    if (partition === undefined) return undefined
    return {
      image: image.name,
      offset: partition.startSector * SECTOR,
      size: partition.sizeSectors * SECTOR,
    }
  }
  const first = Math.min(...table.partitions.map((partition) => partition.startSector))
  return { image: image.name, offset: SECTOR, size: (first - 1) * SECTOR }
}

/** The ESP of the main image, with its FAT file system. */
function espOf(layout: DiskLayout): (FileSystemLayout & { extent: Extent }) | undefined {
  const table = layout.images.find((image) => image.name === MAIN_IMAGE)?.table
  const names = (table?.partitions ?? [])
    .filter((partition) => partition.typeId === (table?.label === 'gpt' ? ESP_GUID : 'ef'))
    .map((partition) => partition.name)
  return layout.fileSystems.find(
    (fileSystem): fileSystem is FileSystemLayout & { extent: Extent } =>
      isFat(fileSystem.type) && fileSystem.extent !== undefined && names.includes(fileSystem.base),
  )
}

async function installBios(
  layout: DiskLayout,
  rawPath: string,
  area: Extent,
  directory: string,
  scratch: string,
): Promise<void> {
  const bootImage = join(directory, BIOS.format, 'boot.img')
  await requireGrub(bootImage, BIOS)
  const core = Buffer.from((await makeGrubImage(layout, BIOS, directory, scratch)).bytes)
  if (core.length > area.size) {
    throw new CofferError(
      'BOOT_CODE_TOO_LARGE',
      `GRUB's core image has ${core.length} bytes, but only ${area.size} are free for it`,
      { hint: 'Make the BIOS boot partition larger (1MiB is enough), or start the first partition later.' },
    )
  }
  const sector = BigInt(area.offset / SECTOR)
  core.writeBigUInt64LE(sector + 1n, CORE_NEXT_SECTOR)
  const boot = Buffer.from((await readFile(bootImage)).subarray(0, BOOT_CODE_BYTES))
  boot.writeBigUInt64LE(sector, KERNEL_SECTOR)
  boot.fill(0x90, DRIVE_CHECK, DRIVE_CHECK + 2)
  await writeAt(rawPath, area.offset, core)
  await writeAt(rawPath, 0, boot)
}

async function installEfi(
  request: InstallGrubRequest,
  platform: GrubPlatform,
  esp: FileSystemLayout & { extent: Extent },
  directory: string,
  scratch: string,
): Promise<void> {
  const { efiName } = platformsOf(request.arch)
  const image = request.layout.images.find((candidate) => candidate.name === esp.extent.image)
  if (image === undefined) return
  const raw = rawFile(imagePath(image, request.rawPath))
  const at = { cwd: raw.cwd, sourceDate: request.sourceDate }
  const target = fatTarget(raw, esp.extent)
  const present = await mtools(['mdir', '-b', '-i', target, `::/EFI/BOOT/${efiName}`], at).then(
    () => true,
    () => false,
  )
  if (present) {
    request.log?.debug(`Keeping the tree's own \\EFI\\BOOT\\${efiName}`)
    return
  }
  const { path } = await makeGrubImage(request.layout, platform, directory, scratch)
  // -D s: a directory that is there already is left alone. What really went wrong, mcopy says.
  for (const name of ['::/EFI', '::/EFI/BOOT']) {
    await mtools(['mmd', '-D', 's', '-i', target, name], at).catch(() => undefined)
  }
  await mtools(['mcopy', '-o', '-i', target, '--', path, `::/EFI/BOOT/${efiName}`], at)
}
