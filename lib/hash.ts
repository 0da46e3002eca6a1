import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

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
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
    hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}
