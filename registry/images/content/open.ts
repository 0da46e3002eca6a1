import { CofferError } from '../../../lib/errors.ts'
import type { ImageFormat } from '../manifest.ts'
import { looksLikeQcow2 } from '../qcow2-header.ts'
import { type Bytes, type FileBytes, openBytes, probe } from './bytes.ts'
import { type DiskLayout, readLayout } from './disk.ts'
import type { FileNode } from './node.ts'
import { qcow2Disk } from './qcow2/disk.ts'
import { rootOf } from './root.ts'
import { looksLikeTar, openTar } from './tar/archive.ts'

/** Formats that can be looked into. */
export type ContentFormat = ImageFormat | 'tar'

/** An image that is open for reading. */
export interface OpenImage {
  readonly format: ContentFormat
  /** Bytes of the file. */
  readonly fileSize: number
  /** Bytes of the disk that a guest sees; absent for an archive. */
  readonly virtualSize?: number
  /** What a guest sees as its disk; absent for an archive. */
  readonly disk?: Bytes
  /** Empty for an archive. */
  readonly layout: DiskLayout
  /**
   * The root directory that the guest has, with the file systems of its fstab in their places.
   * @throws CofferError IMAGE_CONTENT_UNSUPPORTED when there is no file system that can be read, IMAGE_CONTENT_BROKEN
   */
  readonly root: () => FileNode
  readonly close: () => void
}

/**
 * Opens an image file for reading. Nothing is mounted, nothing is written, no other file is opened.
 *
 * @param format default: by the file's name, and by its first bytes when the name does not tell
 * @throws CofferError IMAGE_NOT_FOUND, IMAGE_REFUSED for files that refer to others, IMAGE_CONTENT_BROKEN
 */
export function openImage(path: string, format?: ContentFormat): OpenImage {
  const file = openBytes(path)
  try {
    return open(file, format ?? formatOf(path, file))
  } catch (error) {
    file.close()
    throw error
  }
}

function open(file: FileBytes, format: ContentFormat): OpenImage {
  const common = { format, fileSize: file.size, close: file.close }
  if (format === 'tar') {
    const root = openTar(file)
    return { ...common, layout: { slots: [] }, root: () => root }
  }
  const disk = format === 'qcow2' ? qcow2Disk(file) : file
  const layout = readLayout(disk)
  let root: FileNode | undefined
  return {
    ...common,
    virtualSize: disk.size,
    disk,
    layout,
    root() {
      root ??= rootOf(layout)
      return root
    },
  }
}

/** A file that is called raw but begins as qcow2 does is refused, as the store does: one of the two is a lie. */
function formatOf(path: string, file: FileBytes): ContentFormat {
  const isQcow2 = looksLikeQcow2(probe(file, 0, 4) ?? Buffer.alloc(0))
  if (/\.(raw|img)$/.test(path)) {
    if (!isQcow2) return 'raw'
    throw new CofferError('IMAGE_REFUSED', `${path} is called raw but begins as a qcow2 file does`, {
      hint: 'Give it a name that ends in .qcow2 if that is what it is.',
    })
  }
  if (/\.qcow2$/.test(path) || isQcow2) return 'qcow2'
  if (/\.tar$/.test(path) || looksLikeTar(file)) return 'tar'
  return 'raw'
}
