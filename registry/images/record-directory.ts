import { basename, dirname, join } from 'node:path'
import { CofferError, isErrno } from '../../lib/errors.ts'
import { readRegularFile } from '../../lib/regular-file.ts'
import { type BuildRecord, parseBuildRecord, recordFiles } from './record.ts'

/** Ten times what a system of some thousand packages has. */
const MAX_RECORD_FILE_BYTES = 64 << 20

/** Where the record of an image file is: `NAME.d` beside `NAME.qcow2`. */
export function recordDirectoryOf(image: string): string {
  return join(dirname(image), `${basename(image).replace(/\.[^.]+$/, '')}.d`)
}

/**
 * Reads a file of a record. Directories come from elsewhere with their image: what is no regular file counts as an attack.
 *
 * @returns undefined when it is not there
 * @throws CofferError RECORD_FILE_UNREADABLE
 */
export async function readRecordFile(directory: string, name: string): Promise<Buffer | undefined> {
  const path = join(directory, name)
  try {
    const found = await readRegularFile(path, { maxBytes: MAX_RECORD_FILE_BYTES, follow: false })
    if (found !== undefined) return found.bytes
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined
    if (!isErrno(error)) throw error
    throw unreadable(path, error.code ?? '')
  }
  throw unreadable(path, `it is no regular file of at most ${MAX_RECORD_FILE_BYTES >> 20} MiB`)
}

/**
 * The record of a build.
 *
 * @returns undefined for a directory without one
 * @throws CofferError BUILD_RECORD_BROKEN, RECORD_FILE_UNREADABLE
 */
export async function readRecord(directory: string): Promise<BuildRecord | undefined> {
  const bytes = await readRecordFile(directory, recordFiles.record)
  if (bytes === undefined) return undefined
  return parseBuildRecord(bytes.toString('utf8'), join(directory, recordFiles.record))
}

function unreadable(path: string, reason: string): CofferError {
  return new CofferError('RECORD_FILE_UNREADABLE', `The file ${path} cannot be read: ${reason}`, {
    hint: 'Take the whole NAME.d directory again from where the image was built.',
  })
}
