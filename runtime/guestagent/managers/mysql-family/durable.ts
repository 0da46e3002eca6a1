import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../../../lib/errors.ts'

/** How far back a directory counts as new, in milliseconds. */
const NEW_MS = 60_000

/**
 * Forces databases that were just created to the disk. The server makes a directory for each and leaves it to the kernel
 * when that gets there: after a power cut within seconds the database would be gone, and its users there.
 */
export async function flushNewDatabases(dataPath: string, now: Date): Promise<void> {
  for (const entry of await readdir(dataPath, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    const directory = join(dataPath, entry.name)
    const made = await stat(directory).catch(() => undefined)
    if (made === undefined || made.ctimeMs < now.getTime() - NEW_MS) continue
    // MariaDB keeps a database's character set here, MySQL elsewhere.
    await flush(join(directory, 'db.opt'))
    await flush(directory)
  }
  await flush(dataPath)
}

async function flush(path: string): Promise<void> {
  try {
    const file = await open(path, 'r')
    await file.sync().finally(() => file.close())
  } catch (error) {
    // The server may have taken it away meanwhile.
    if (!isErrno(error, 'ENOENT')) throw error
  }
}
