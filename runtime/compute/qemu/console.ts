import { appendFile, open, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { isErrno } from '../../../lib/errors.ts'
import { CONSOLE } from './machine.ts'
import type { QmpSession } from './qmp/client.ts'
import { takeRingBuffer } from './qmp/commands.ts'

/** A console file that has grown beyond this is cut to its last half. Bytes. */
const MOST_BYTES = 512 * 1024

/**
 * Takes what the serial console printed since the last time from QEMU's ring buffer and adds it to the file. Both are
 * limited, so a guest that prints for ever fills neither memory nor disk.
 */
export async function drainConsole(session: QmpSession, file: string): Promise<void> {
  const data = await takeRingBuffer(session, CONSOLE.device, CONSOLE.size)
  if (data.length === 0) return
  await appendFile(file, data, { mode: 0o600 })
  if ((await stat(file)).size <= MOST_BYTES) return
  const draft = `${file}.new`
  await writeFile(draft, (await readFile(file)).subarray(-MOST_BYTES / 2), { mode: 0o600 })
  await rename(draft, file)
}

/** The last bytes of a file as text; empty when there is none. */
export async function tailOf(file: string, bytes: number): Promise<string> {
  try {
    const handle = await open(file, 'r')
    try {
      const { size } = await handle.stat()
      const length = Math.min(size, Math.max(0, bytes))
      const buffer = Buffer.alloc(length)
      const { bytesRead } = await handle.read(buffer, 0, length, size - length)
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return ''
    throw error
  }
}
