import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from '../../lib/tree.ts'
import { type BuildRecord, recordFiles } from './record.ts'
import { readRecord, readRecordFile } from './record-directory.ts'

/** Name of the directory beside a stored image that holds its build's record. */
export const KEPT_RECORD = 'record'

/**
 * Copies the files of a build's record, and nothing else that is in its directory. Copies nothing when the record is not
 * there, or is that of another image: `NAME.d` stays when an image of an older build is put back.
 *
 * @param from `NAME.d`; it need not exist
 * @param to a directory, which is made if there is something to copy
 * @param sha256 the image's digest
 * @throws CofferError BUILD_RECORD_BROKEN; RECORD_FILE_UNREADABLE for a file that is no regular one, or is too large
 */
export async function copyRecord(from: string, to: string, sha256: string): Promise<void> {
  const record = await readRecord(from)
  if (record === undefined || !recordsImage(record, { bytes: 0, sha256 })) return
  await mkdir(to, { mode: 0o755 })
  for (const name of Object.values(recordFiles)) {
    const bytes = await readRecordFile(from, name)
    if (bytes !== undefined) await writeFile(join(to, name), bytes, { mode: 0o644 })
  }
}

/** Whether a record is that of an image's build: one of its outputs is this file, by digest or, where none is known, by size. */
export function recordsImage(
  { outputs }: BuildRecord,
  image: { readonly bytes: number; readonly sha256?: string },
): boolean {
  return outputs.some(({ bytes, sha256 }) =>
    image.sha256 === undefined ? bytes === image.bytes : sha256 === image.sha256,
  )
}

/** Puts a copied record into the place of an older one. */
export async function replaceRecord(fresh: string, kept: string): Promise<void> {
  await removeTree(kept)
  await rename(fresh, kept)
}
