import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import { configError } from './errors.ts'
import { isExt } from './file-mode.ts'
import type { DiskLayout, FileSystemLayout } from './layout-types.ts'
import { imagePathOf, isBelow } from './mount-points.ts'
import { isFat } from './plugins/mkfs.ts'

/** A GRUB platform and what an image for it needs. */
export interface GrubPlatform {
  /** grub-mkimage's name of the format. */
  readonly format: 'i386-pc' | 'x86_64-efi' | 'arm64-efi'
  /** Debian package with its modules. */
  readonly debianPackage: string
  /** Modules only this platform has. */
  readonly modules: readonly string[]
}

export const BIOS: GrubPlatform = {
  format: 'i386-pc',
  debianPackage: 'grub-pc-bin',
  modules: ['biosdisk'],
}
export const EFI_AMD64: GrubPlatform = {
  format: 'x86_64-efi',
  debianPackage: 'grub-efi-amd64-bin',
  modules: [],
}
export const EFI_ARM64: GrubPlatform = {
  format: 'arm64-efi',
  debianPackage: 'grub-efi-arm64-bin',
  modules: [],
}

/** What a menu needs with no module file on the disk: tables, finding the root, Linux, a console, common conditions. */
const COMMON_MODULES = (
  'part_gpt part_msdos search search_label search_fs_uuid normal configfile linux boot echo test true sleep ' +
  'halt reboot minicmd ls cat serial terminal loadenv gzio'
).split(' ')

/** Where the tree keeps GRUB's configuration. */
export const GRUB_DIRECTORY = '/boot/grub'

/** The file system that holds /boot/grub: the one with the deepest mount point above it. */
function bootFileSystem(layout: DiskLayout): { fileSystem: FileSystemLayout; prefix: string } {
  const candidates = layout.fileSystems
    .flatMap((fileSystem) =>
      fileSystem.mountPoint === undefined ? [] : [{ fileSystem, at: imagePathOf(fileSystem.mountPoint) }],
    )
    .filter(({ at }) => at === GRUB_DIRECTORY || isBelow(GRUB_DIRECTORY, at))
    .sort((a, b) => b.at.length - a.at.length)
  const [best] = candidates
  if (best === undefined) throw configError('The block device configuration mounts nothing at /')
  return {
    fileSystem: best.fileSystem,
    prefix: best.at === '/' ? GRUB_DIRECTORY : GRUB_DIRECTORY.slice(best.at.length) || '/',
  }
}

/**
 * The configuration inside the boot image: finds the file system with grub.cfg by its label, trying the partition it is
 * on first, and hands over to grub.cfg there.
 */
export function embeddedConfig(layout: DiskLayout): string {
  const { fileSystem, prefix } = bootFileSystem(layout)
  const hint = partitionHint(layout, fileSystem)
  return [
    `search --no-floppy --set=root --label ${grubWord(fileSystem.label)}${hint === undefined ? '' : ` --hint ${hint}`}`,
    `set prefix=($root)${prefix}`,
    '',
  ].join('\n')
}

/** GRUB's name of the partition when the disk is the first one: a hint, not a requirement. */
function partitionHint(layout: DiskLayout, fileSystem: FileSystemLayout): string | undefined {
  const image = layout.images.find((candidate) => candidate.name === fileSystem.extent?.image)
  const partition = image?.table?.partitions.find((candidate) => candidate.name === fileSystem.base)
  if (image?.table === undefined || partition === undefined) return undefined
  return `hd0,${image.table.label === 'gpt' ? 'gpt' : 'msdos'}${partition.number}`
}

function grubWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function modulesOf(layout: DiskLayout, platform: GrubPlatform): string[] {
  const { type } = bootFileSystem(layout).fileSystem
  const fileSystem = isExt(type) ? 'ext2' : isFat(type) ? 'fat' : type
  const lvm = layout.lvm.length > 0 ? ['lvm'] : []
  return [...new Set([...platform.modules, ...COMMON_MODULES, fileSystem, 'fat', ...lvm])]
}

/**
 * Makes a GRUB image for a platform with the host's modules.
 *
 * @param directory where GRUB's modules are, one directory a platform
 * @param scratch a directory of ours
 * @throws CofferError `GRUB_NOT_INSTALLED`, `COMMAND_FAILED`
 */
export async function makeGrubImage(
  layout: DiskLayout,
  platform: GrubPlatform,
  directory: string,
  scratch: string,
): Promise<{ readonly path: string; readonly bytes: Uint8Array }> {
  const modules = join(directory, platform.format)
  await requireGrub(join(modules, 'moddep.lst'), platform)
  const config = join(scratch, `${platform.format}.cfg`)
  const path = join(scratch, `${platform.format}.img`)
  await writeFile(config, embeddedConfig(layout))
  await run([
    'grub-mkimage',
    '-O',
    platform.format,
    '-d',
    modules,
    '-p',
    GRUB_DIRECTORY,
    '-c',
    config,
    '-o',
    path,
    ...modulesOf(layout, platform),
  ])
  return { path, bytes: await readFile(path) }
}

/** Reads a file of the host's GRUB. @throws CofferError `GRUB_NOT_INSTALLED` */
export async function requireGrub(path: string, platform: GrubPlatform): Promise<void> {
  const found = await access(path).then(
    () => true,
    () => false,
  )
  if (found) return
  throw new CofferError(
    'GRUB_NOT_INSTALLED',
    `GRUB for ${platform.format} is not installed on this machine: ${path} is missing`,
    { hint: `On Debian: apt-get install ${platform.debianPackage} grub-common` },
  )
}
