import { CofferError } from '../../../lib/errors.ts'
import { parseBuildRecord, recordFiles } from '../record.ts'
import { STATEMENT_MEDIA_TYPE } from '../statement.ts'
import { malformed, type OpenEnvelope, openEnvelope, signerOf } from './envelope.ts'
import { type Covered, type CoveredFile, parseImageStatement } from './image-statement.ts'
import type { TrustedKey } from './keys.ts'

/** An image and what lies beside it, as it was found. */
export interface SeenImage {
  readonly image: CoveredFile
  /** Text of `signature.json`, where there is one. */
  readonly signature: string | undefined
  /** Files of the record that are there, but for the signature. */
  readonly record: readonly CoveredFile[]
  /** Text of `manifest.json`, where there is one. */
  readonly manifest: string | undefined
}

/** One thing that was checked. */
export interface Finding {
  /** A file, or `signature`. */
  readonly what: string
  /** What was found; of what does not hold, the error's message. */
  readonly detail: string
  /** Set when it does not hold. */
  readonly error?: CofferError
}

/**
 * Checks an image: somebody trusted has signed it, image and record are what was signed, nothing of the record is missing
 * or was added, and the record is this image's. After a signature that does not hold there is nothing left to compare with.
 */
export function judgeImage(seen: SeenImage, keys: readonly TrustedKey[]): readonly Finding[] {
  const { signature, image } = seen
  let covered: Covered
  let signer: TrustedKey
  try {
    if (signature === undefined) throw unsigned(image.name)
    const envelope = openEnvelope(signature)
    signer = signerOf(envelope, keys) ?? notSigned(envelope, keys)
    if (envelope.payloadType !== STATEMENT_MEDIA_TYPE) throw malformed('what is signed is no statement')
    covered = parseImageStatement(envelope.body)
  } catch (error) {
    if (error instanceof CofferError) return [failed('signature', error)]
    throw error
  }
  return [
    { what: 'signature', detail: `key ${signer.id.slice(0, 16)} (${signer.name})` },
    judgeBytes(image, covered),
    ...judgeFiles(seen.record, covered),
    ...judgeRecord(seen, covered),
  ]
}

/** The first thing that does not hold is thrown. */
export function requireGenuine(findings: readonly Finding[]): void {
  const wrong = findings.find(({ error }) => error !== undefined)?.error
  if (wrong !== undefined) throw wrong
}

function judgeBytes({ name, sha256 }: CoveredFile, { images }: Covered): Finding {
  if (images.some((one) => one.sha256 === sha256)) return { what: name, detail: `sha256 ${sha256}` }
  return failed(
    name,
    new CofferError(
      'SIGNED_IMAGE_DIFFERS',
      `The image ${name} is not the one that was signed: its digest differs`,
      {
        hint: 'It was changed or damaged, or the record beside it is that of another build. Take both again.',
      },
    ),
  )
}

function judgeFiles(present: readonly CoveredFile[], { record }: Covered): readonly Finding[] {
  const there = new Map(present.map((file) => [file.name, file.sha256]))
  const signed = record.map(({ name, sha256 }): Finding => {
    const found = there.get(name)
    if (found === sha256) return { what: name, detail: `sha256 ${sha256}` }
    return failed(
      name,
      found === undefined
        ? new CofferError('SIGNED_FILE_MISSING', `${name} was signed with the image, but is not there`, again)
        : new CofferError('SIGNED_FILE_DIFFERS', `${name} is not what was signed: its digest differs`, again),
    )
  })
  const added = present.filter(({ name }) => !record.some((one) => one.name === name))
  return [
    ...signed,
    ...added.map(({ name }) =>
      failed(
        name,
        new CofferError('FILE_NOT_SIGNED', `${name} is there, but the signature does not cover it`, {
          hint: 'Remove it, or sign the image again: coffer image sign IMAGE --key FILE.',
        }),
      ),
    ),
  ]
}

const again = { hint: 'Take the whole NAME.d directory again from where the image was built.' }

/** Only of a manifest and an image that were signed as they are: else the mistake is said already. */
function judgeRecord({ image, manifest, record }: SeenImage, covered: Covered): readonly Finding[] {
  const signed = covered.record.find(({ name }) => name === recordFiles.record)
  const genuine = record.some(({ name, sha256 }) => name === signed?.name && sha256 === signed.sha256)
  const same = covered.images.some(({ sha256 }) => sha256 === image.sha256)
  if (manifest === undefined || !genuine || !same) return []
  try {
    requireRecordOf(image, parseBuildRecord(manifest, recordFiles.record))
    return []
  } catch (error) {
    if (error instanceof CofferError) return [failed('record', error)]
    throw error
  }
}

/** @throws CofferError RECORD_OF_ANOTHER_IMAGE when no output of the build is this image */
export function requireRecordOf(
  image: CoveredFile,
  record: { readonly outputs: readonly { readonly sha256: string }[] },
): void {
  if (record.outputs.some(({ sha256 }) => sha256 === image.sha256)) return
  throw new CofferError(
    'RECORD_OF_ANOTHER_IMAGE',
    `The record beside ${image.name} is not that of this image: none of its outputs has this digest`,
    { hint: 'Take image and NAME.d directory from the same build.' },
  )
}

const failed = (what: string, error: CofferError): Finding => ({ what, detail: error.message, error })

function unsigned(name: string): CofferError {
  return new CofferError('IMAGE_UNSIGNED', `The image ${name} has no signature`, {
    hint: 'build-image --sign KEY signs what it builds, coffer image sign IMAGE --key KEY what is there.',
  })
}

/** Tells a stranger's signature from one that was tampered with, as far as an unsigned hint can tell. */
function notSigned({ signatures }: OpenEnvelope, keys: readonly TrustedKey[]): never {
  const claimed = keys.find(({ id }) => signatures.some(({ keyid }) => keyid === id))
  if (claimed === undefined) {
    const ids = signatures.map(({ keyid }) => keyid.replace(/[^0-9a-zA-Z]/g, '').slice(0, 16) || 'unnamed')
    throw new CofferError(
      'IMAGE_SIGNER_UNKNOWN',
      `Nobody who is trusted here signed the image: key ${ids.join(', ')}`,
      {
        hint: 'Name the public key of its builder with --key, or put it where trusted_image_keys points.',
      },
    )
  }
  throw new CofferError(
    'IMAGE_SIGNATURE_INVALID',
    `The signature of key ${claimed.id.slice(0, 16)} (${claimed.name}) does not hold`,
    { hint: 'signature.json was changed. Take it again from whoever signed the image.' },
  )
}
