import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/** Options of {@link readRegularFile}. */
export interface RegularFileOptions {
  /** Larger files are not read. */
  readonly maxBytes: number
  /** False: a symbolic link in the last place is an error (ELOOP). Default true. */
  readonly follow?: boolean
}

/** A file's content with its permissions, seen at the same moment. */
export interface RegularFile {
  readonly bytes: Buffer
  readonly mode: number
}

/**
 * Reads a file that others may have put there: no device or FIFO that never ends, and no more than is expected.
 *
 * @returns undefined for what is no regular file, or is larger than `maxBytes`
 * @throws the errors of open(2)
 */
export async function readRegularFile(
  path: string,
  { maxBytes, follow = true }: RegularFileOptions,
): Promise<RegularFile | undefined> {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants
  const file = await open(path, O_RDONLY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW))
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > maxBytes) return undefined
    // No more than was there a moment ago, if somebody writes.
    const bytes = Buffer.alloc(stat.size)
    let length = 0
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return { bytes: bytes.subarray(0, length), mode: stat.mode }
  } finally {
    await file.close()
  }
}
