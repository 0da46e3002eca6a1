import { lstat, stat } from 'node:fs/promises'
import { isErrno } from './errors.ts'

/** Whether anything has this name, a dangling link included. */
export async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined
}

/** Whether a regular file, or a link to one, has this name. Errors other than a missing file are thrown. */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}
