import { basename, dirname, join } from 'node:path'
import { CofferError } from '../../../lib/errors.ts'
import { isFile } from '../../../lib/path-kind.ts'
import { KEPT_RECORD } from '../../../registry/images/kept-record.ts'
import type { BuildRecord } from '../../../registry/images/record.ts'
import { readRecord, recordDirectoryOf } from '../../../registry/images/record-directory.ts'
import { openImageStore } from '../../../registry/images/store.ts'
import { cofferSettings } from './settings.ts'

/** An image that somebody named: a file, or one of the store. */
export interface NamedImage {
  /** For people: the file's name, or that in the store. */
  readonly name: string
  readonly file: string
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
  return { name: found.name, file: files.image, directory: join(dirname(files.image), KEPT_RECORD) }
}

/** The record of an image. @throws CofferError BUILD_RECORD_MISSING, and what reading it throws */
export async function recordOf({ name, directory }: NamedImage): Promise<BuildRecord> {
  const record = await readRecord(directory)
  if (record !== undefined) return record
  throw new CofferError(
    'BUILD_RECORD_MISSING',
    `There is no record of the build of ${name}: ${directory} has none`,
    {
      hint: 'Keep the NAME.d directory of a build beside its image; put, sign and --register take it along.',
    },
  )
}
