/** What the size of an image depends on (DIB contract §4.6). */
export interface ImageSizeRequest {
  /** KiB the tree takes (`du -a -c -x`). */
  readonly usedKiB: number
  /** `--image-size`, GiB: the size, whatever is in the tree. */
  readonly imageSizeGiB?: number | undefined
  /** `DIB_IMAGE_EXTRA_SIZE`, MiB: free space beyond the tree, in place of the usual share. */
  readonly extraMiB?: number | undefined
  /** `DIB_JOURNAL_SIZE`, MiB. Default 64. */
  readonly journalMiB?: number | undefined
  readonly rootFsType: string
  /** True when an element named `block-device-efi…` is used: DIB then adds 525 MiB. */
  readonly efi: boolean
  /** KiB that other partitions of fixed size take. DIB counts none; 0 by default. */
  readonly reservedKiB?: number | undefined
}

export const DEFAULT_JOURNAL_MIB = 64
const EFI_KIB = 525 * 1024

/**
 * The size of the image in KiB, a multiple of 64 (DIB contract §4.6).
 *
 * One departure: an automatic size is never below what the ext4 journal needs (mke2fs wants the file system to be at
 * least twice its journal). DIB fails there, with mke2fs's own message.
 */
export function imageSizeKiB(request: ImageSizeRequest): number {
  const journalKiB = (request.journalMiB ?? DEFAULT_JOURNAL_MIB) * 1024
  const efi = request.efi ? EFI_KIB : 0
  if (request.imageSizeGiB !== undefined) {
    return roundUp(Math.trunc(request.imageSizeGiB * 1024 * 1024) + efi)
  }
  const content =
    request.extraMiB === undefined
      ? Math.trunc(request.usedKiB / 0.6)
      : Math.trunc(request.usedKiB + Math.trunc(request.extraMiB * 1024))
  const reserved = request.reservedKiB ?? 0
  if (request.rootFsType !== 'ext4') return roundUp(content + efi + reserved)
  const smallest = 2 * journalKiB + SMALLEST_SLACK_KIB
  return roundUp(Math.max(content + journalKiB, smallest) + efi + reserved)
}

/** Room for partition tables, a BIOS boot partition and inode tables beside the smallest file system. */
const SMALLEST_SLACK_KIB = 16 * 1024

function roundUp(kib: number): number {
  return Math.ceil(kib / 64) * 64
}

/** What the options of the root file system depend on (DIB contract §4.6). */
export interface MkfsOptionsRequest {
  readonly rootFsType: string
  readonly journalMiB?: number | undefined
  /** `--mkfs-options`. */
  readonly userOptions?: string | undefined
  /** `--max-online-resize`, in blocks; DIB passes it to every file system type. */
  readonly maxOnlineResize?: string | undefined
  /** `DIB_RELEASE`: trusty's fsck does not know metadata_csum. */
  readonly release?: string | undefined
}

/** The options mkfs gets for the root file system, as one string: parameter `root-fs-opts` (DIB contract §4.6). */
export function mkfsOptions(request: MkfsOptionsRequest): string {
  const ext4 = request.rootFsType === 'ext4'
  return [
    request.maxOnlineResize ? `-E resize=${request.maxOnlineResize}` : '',
    ext4 && request.release === 'trusty' ? '-O ^metadata_csum' : '',
    ext4 ? `-i 4096 -J size=${request.journalMiB ?? DEFAULT_JOURNAL_MIB}` : '',
    request.userOptions ?? '',
  ]
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(' ')
}
