import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../lib/exec.ts'
import type { Extent, FileSystemLayout } from './layout-types.ts'
import { createSparse, type RawFile, writeAt } from './raw-file.ts'

/** Bytes that hold the swap header for any page size of a supported machine (4 KiB to 64 KiB). */
const HEADER_BYTES = 64 * 1024

/** Makes swap space inside an image file. mkswap takes no offset, so it writes to a scratch file whose header is copied. */
export async function writeSwap(
  fileSystem: FileSystemLayout,
  extent: Extent,
  raw: RawFile,
  scratch: string,
): Promise<void> {
  const path = join(scratch, 'swap')
  await createSparse(path, extent.size)
  try {
    await run(['mkswap', ...fileSystem.options, '-L', fileSystem.label, '-U', fileSystem.uuid, path])
    const file = await open(path)
    try {
      const header = new Uint8Array(Math.min(HEADER_BYTES, extent.size))
      await file.read(header, 0, header.length, 0)
      await writeAt(raw.path, extent.offset, header)
    } finally {
      await file.close()
    }
  } finally {
    await rm(path, { force: true })
  }
}
