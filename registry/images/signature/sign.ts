import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError } from '../../../lib/errors.ts'
import { writeAtomically } from '../../../lib/write-atomically.ts'
import { recordFiles } from '../record.ts'
import { readRecordFile, recordDigests } from '../record-directory.ts'
import { STATEMENT_MEDIA_TYPE } from '../statement.ts'
import { type Envelope, openEnvelope, sealEnvelope } from './envelope.ts'
import { type CoveredFile, imageStatement, SIGNED_FILES } from './image-statement.ts'
import type { SigningKey } from './keys.ts'

/** What is to be signed, and with what. */
export interface SignImage {
  /** Where the record is and the signature goes: there already. */
  readonly directory: string
  /** The image in each format, by the digest of its bytes. */
  readonly images: readonly CoveredFile[]
  readonly key: SigningKey
}

/**
 * Signs an image and the files of its record that are there. Signatures of others over the same files stay.
 *
 * @returns names of the files that are covered
 * @throws CofferError RECORD_FILE_UNREADABLE
 */
export async function signImage({ directory, images, key }: SignImage): Promise<readonly string[]> {
  const { body, names } = await bodyOf({ directory, images })
  const own = sealEnvelope(STATEMENT_MEDIA_TYPE, body, [key])
  const old = await readRecordFile(directory, recordFiles.signature)
  const envelope = { ...own, signatures: [...othersOf(old?.toString('utf8'), own), ...own.signatures] }
  const text = `${JSON.stringify(envelope, undefined, 2)}\n`
  await writeAtomically(join(directory, recordFiles.signature), text, 0o644)
  return names
}

/**
 * Removes a signature that an earlier image or record left: it would only be found not to hold. One over the same files,
 * as an equal build has them, stays.
 *
 * @throws CofferError RECORD_FILE_UNREADABLE
 */
export async function removeStaleSignature(target: Omit<SignImage, 'key'>): Promise<void> {
  const old = await readRecordFile(target.directory, recordFiles.signature)
  if (old === undefined) return
  const { body } = await bodyOf(target)
  if (othersOf(old.toString('utf8'), sealEnvelope(STATEMENT_MEDIA_TYPE, body, [])).length > 0) return
  await rm(join(target.directory, recordFiles.signature), { force: true })
}

/** What is to be signed: the same files give the same bytes. */
async function bodyOf({ directory, images }: Omit<SignImage, 'key'>) {
  const record = await recordDigests(directory, SIGNED_FILES)
  return {
    body: Buffer.from(JSON.stringify(imageStatement({ images, record }))),
    names: [...images, ...record].map(({ name }) => name),
  }
}

/** Signatures of an older envelope with the same payload, but those of the same key. */
function othersOf(text: string | undefined, own: Envelope): Envelope['signatures'] {
  if (text === undefined) return []
  try {
    const { payloadType, body, signatures } = openEnvelope(text)
    if (payloadType !== own.payloadType || body.toString('base64') !== own.payload) return []
    return signatures
      .filter(({ keyid }) => !own.signatures.some((one) => one.keyid === keyid))
      .map(({ keyid, signature }) => ({ keyid, sig: signature.toString('base64') }))
  } catch (error) {
    // What could not be read was no signature.
    if (error instanceof CofferError) return []
    throw error
  }
}
