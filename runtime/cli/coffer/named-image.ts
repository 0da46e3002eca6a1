import { basename, dirname, join } from 'node:path'
import { CofferError } from '../../../lib/errors.ts'
import { digestFile } from '../../../lib/hash.ts'
import { isFile } from '../../../lib/path-kind.ts'
import { KEPT_RECORD } from '../../../registry/images/kept-record.ts'
import type { ImageFormat } from '../../../registry/images/manifest.ts'
import type { BuildRecord } from '../../../registry/images/record.ts'
import { readRecord, recordDirectoryOf } from '../../../registry/images/record-directory.ts'
import { requireRecordOf } from '../../../registry/images/signature/judge.ts'
import { openImageStore } from '../../../registry/images/store.ts'
import { cofferSettings } from './settings.ts'

/** An image that somebody named: a file, or one of the store. */
export interface NamedImage {
  /** For people: the file's name, or that in the store. */
  readonly name: string
  readonly file: string
  /** Of an image in the store. */
  readonly format?: ImageFormat
  /** Where its record, SBOMs and signature are, if there are any. */
  readonly directory: string
}

/**
 * Finds an image: a file of that name goes before one of the store.
 *
 * @throws CofferError IMAGE_NOT_FOUND
 */
export async function namedImage(stateDir: string | undefined, word: string): Promise<NamedImage> {
  if (await isFile(word)) return { name: basename(word), file: word, directory: recordDirectoryOf(word) }
  const store = openImageStore(join((await cofferSettings(stateDir)).stateDir, 'images'))
  const found = word.includes('/') ? undefined : await store.find(word)
  const files = found === undefined ? undefined : await store.files(found.id)
  if (found === undefined || files === undefined) {
    throw new CofferError('IMAGE_NOT_FOUND', `Image ${word} cannot be found.`, {
      hint: 'Name an image file, or one of those that coffer image list shows.',
    })
  }
  return {
    name: found.name,
    file: files.image,
    format: files.format,
    directory: join(dirname(files.image), KEPT_RECORD),
  }
}

/**
 * The record of an image's build, if it is that: `NAME.d` stays when the image is replaced.
 *
 * @throws CofferError RECORD_OF_ANOTHER_IMAGE, and what reading it throws
 */
export async function recordOf({ name, file, directory }: NamedImage): Promise<BuildRecord | undefined> {
  const record = await readRecord(directory)
  if (record !== undefined) requireRecordOf({ name, sha256: await digestFile(file) }, record)
  return record
}
