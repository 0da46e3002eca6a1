import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'

/**
 * Writes a small file so that a reader, or a machine that loses power, sees the old content or the new, never a part.
 *
 * @param mode permissions of the file, set before anything is in it
 * @param how.durable false does not wait for the disk: after a loss of power the file may be empty or not there. Default true
 */
export async function writeAtomically(
  path: string,
  content: string,
  mode: number,
  how: { readonly durable?: boolean } = {},
): Promise<void> {
  const fresh = `${path}.${randomBytes(6).toString('hex')}.new`
  try {
    const file = await open(fresh, 'wx', mode)
    try {
      await file.chmod(mode)
      await file.writeFile(content)
      if (how.durable !== false) await file.sync()
    } finally {
      await file.close()
    }
    await rename(fresh, path)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}
