import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

/** The lower-case hexadecimal SHA-256 of text (as UTF-8) or bytes. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** The hexadecimal digest of a file, read in chunks. */
export async function digestFile(
  path: string,
  algorithm: 'sha256' | 'md5' | 'sha1' = 'sha256',
): Promise<string> {
  const hash = createHash(algorithm)
  const file = await open(path)
  try {
    const { size } = await file.stat()
    // Most files are small: a large buffer for each would keep the garbage collector busy.
    const chunk = Buffer.allocUnsafe(Math.min(Math.max(size, SMALL), LARGE))
    for (;;) {
      const { bytesRead } = await file.read(chunk)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(chunk.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}

/** Bytes of the buffers that files are read into. */
const SMALL = 4096
const LARGE = 1024 ** 2
