import { open, truncate, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CofferError } from '../../lib/errors.ts'
import { MAIN_IMAGE } from './layout.ts'
import type { DiskLayout, ImageLayout } from './layout-types.ts'

/** An image file as the tools see it: a plain name in a working directory. */
export interface RawFile {
  readonly path: string
  readonly cwd: string
  /** `./<name>`, safe to hand to tools that read `?` or `@@` in a name as an option. */
  readonly name: string
}

/**
 * Names an image file for tools that take an offset inside the name (`file?offset=…`, `file@@…`).
 *
 * @throws CofferError `BLOCK_DEVICE_PATH_UNSAFE` when the file's own name holds one of those marks.
 */
export function rawFile(path: string): RawFile {
  const base = basename(path)
  if (/[?@]/.test(base)) {
    throw new CofferError('BLOCK_DEVICE_PATH_UNSAFE', `The image file name ${base} holds ? or @`, {
      hint: 'The file system tools read these marks as options: choose another name.',
    })
  }
  return { path, cwd: dirname(path), name: `./${base}` }
}

/** Path of an image: the main one is `rawPath`, others lie beside it or where the configuration says. */
export function imagePath(image: ImageLayout, rawPath: string): string {
  return image.name === MAIN_IMAGE ? rawPath : join(image.directory ?? dirname(rawPath), `${image.name}.raw`)
}

/** Path of the image a piece of the layout is in. */
export function pathOfImage(layout: DiskLayout, name: string, rawPath: string): string {
  const image = layout.images.find((candidate) => candidate.name === name)
  return image === undefined ? rawPath : imagePath(image, rawPath)
}

/** Makes an empty sparse file of the exact size, in place of any older one. */
export async function createSparse(path: string, sizeBytes: number): Promise<void> {
  await writeFile(path, '')
  await truncate(path, sizeBytes)
}

/** Writes bytes at an offset of an existing file. */
export async function writeAt(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.write(bytes, 0, bytes.length, offset)
  } finally {
    await file.close()
  }
}
