import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { CofferError } from '../../lib/errors.ts'
import { type FileRecord, recordFiles } from './record.ts'
import { readRecordFile } from './record-directory.ts'

/** Some hundred bytes for each of a million files. */
const MAX_BYTES = 256 * 1024 ** 2

/**
 * Which steps of a build wrote which file.
 *
 * @param directory `NAME.d`
 * @returns undefined when the record has none
 * @throws CofferError BUILD_RECORD_BROKEN, RECORD_FILE_UNREADABLE
 */
export async function readFileRecord(directory: string): Promise<FileRecord | undefined> {
  const packed = await readRecordFile(directory, recordFiles.files)
  return packed === undefined ? undefined : parseFileRecord(packed, join(directory, recordFiles.files))
}

/**
 * @param packed JSON in gzip
 * @param where named in the error
 */
export function parseFileRecord(packed: Buffer, where: string): FileRecord {
  try {
    const record: unknown = JSON.parse(gunzipSync(packed, { maxOutputLength: MAX_BYTES }).toString('utf8'))
    if (isFileRecord(record)) return record
  } catch (error) {
    // SyntaxError of JSON, and zlib's own.
    if (!(error instanceof Error)) throw error
  }
  throw new CofferError('BUILD_RECORD_BROKEN', `${where} is not the record of a build`, {
    hint: 'Build the image again, or take the whole NAME.d directory from where it was built.',
  })
}

/** The places in the record's steps that wrote a path, first writer first. */
export function stepsThatWrote({ files }: FileRecord, path: string): readonly number[] {
  const places: unknown = Object.hasOwn(files, path) ? files[path] : undefined
  return Array.isArray(places) ? places.filter((place) => Number.isInteger(place)) : []
}

function isFileRecord(value: unknown): value is FileRecord {
  const record = value as Partial<FileRecord> | null
  return record?.recordVersion === 1 && typeof record.files === 'object' && record.files !== null
}
