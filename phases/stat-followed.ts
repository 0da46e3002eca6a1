import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { isErrno } from '../lib/errors.ts'

/**
 * What a path is after following links; undefined for nothing, a link to nothing, and a link to itself.
 *
 * @throws the error of the operating system when it cannot be told, such as EACCES
 */
export async function statFollowed(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].some((code) => isErrno(error, code))) return undefined
    throw error
  }
}
