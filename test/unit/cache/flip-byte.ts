import { open, utimes } from 'node:fs/promises'

/** Changes one byte of a file as a bad disk would: size and time stay. */
export async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const { atime, mtime } = await file.stat()
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, at)
    byte[0] = (byte[0] ?? 0) ^ 1
    await file.write(byte, 0, 1, at)
    await utimes(path, atime, mtime)
  } finally {
    await file.close()
  }
}
