import { join, resolve } from 'node:path'
import { CofferError } from '../../../../lib/errors.ts'
import { exists } from '../../../../lib/path-kind.ts'
import { type ContentFormat, type OpenImage, openImage } from '../../../../registry/images/content/open.ts'
import { readFileRecord } from '../../../../registry/images/file-record.ts'
import { recordsImage } from '../../../../registry/images/kept-record.ts'
import type { ImageManifest } from '../../../../registry/images/manifest.ts'
import type { Recorded } from '../../../../registry/images/origin/steps.ts'
import { readRecord, recordDirectoryOf } from '../../../../registry/images/record-directory.ts'
import { openImageStore } from '../../../../registry/images/store.ts'
import { cofferSettings } from '../settings.ts'

/** An image that a word of the command line named. */
export interface NamedImage {
  /** As it was named. */
  readonly word: string
  readonly image: OpenImage
  /** Of an image in the store. */
  readonly manifest?: ImageManifest
  /** Where the record of its build would be. */
  readonly recordDirectory: string | undefined
}

/** Options that all commands have which look into images. */
export interface ContentOptions {
  readonly stateDir: string | undefined
  readonly format?: ContentFormat
}

/**
 * Opens the image that a word names: a file, or else an image in the store. A word with a slash is a file.
 *
 * @throws CofferError IMAGE_NOT_FOUND, and what opening throws
 */
export async function openWord(word: string, { stateDir, format }: ContentOptions): Promise<NamedImage> {
  if (word.includes('/') || (await exists(word))) {
    return { word, image: openImage(word, format), recordDirectory: recordDirectoryOf(resolve(word)) }
  }
  const store = openImageStore(join((await cofferSettings(stateDir)).stateDir, 'images'))
  const manifest = await store.find(word)
  const files = manifest === undefined ? undefined : await store.files(manifest.id)
  if (manifest === undefined || files === undefined) {
    throw new CofferError('IMAGE_NOT_FOUND', `Image ${word} cannot be found.`, {
      hint: 'Give the path of a file, or an id or a name that coffer image list shows.',
    })
  }
  return { word, image: openImage(files.image, files.format), manifest, recordDirectory: files.record }
}

/** As {@link openWord}, for as long as a function works with it. */
export async function withImage<T>(
  word: string,
  options: ContentOptions,
  work: (named: NamedImage) => Promise<T> | T,
): Promise<T> {
  const named = await openWord(word, options)
  try {
    return await work(named)
  } finally {
    named.image.close()
  }
}

/**
 * What the build of an image recorded. The record beside a file may be that of another build of the same name: it then does
 * not count, and a note says so.
 *
 * @param kind what is needed of it
 * @throws CofferError BUILD_RECORD_BROKEN, RECORD_FILE_UNREADABLE
 */
export async function recordOf(
  { image, manifest, recordDirectory }: NamedImage,
  kind: { readonly files: boolean },
): Promise<Recorded & { readonly note?: string }> {
  const record = recordDirectory === undefined ? undefined : await readRecord(recordDirectory)
  if (recordDirectory === undefined || record === undefined) return {}
  const digest = manifest === undefined ? {} : { sha256: manifest.sha256 }
  if (!recordsImage(record, { bytes: image.fileSize, ...digest })) {
    return {
      note: `${recordDirectory} is not the record of this image's build: none of its outputs is this file`,
    }
  }
  const files = kind.files ? await readFileRecord(recordDirectory) : undefined
  return { record, ...(files === undefined ? {} : { files }) }
}
