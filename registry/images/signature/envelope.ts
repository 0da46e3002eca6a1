import { type KeyObject, sign, verify } from 'node:crypto'
import { CofferError } from '../../../lib/errors.ts'
import type { SigningKey, TrustedKey } from './keys.ts'

/** A DSSE envelope (github.com/secure-systems-lab/dsse, version 1.0.2) as it is stored. */
export interface Envelope {
  readonly payloadType: string
  /** Base64. */
  readonly payload: string
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[]
}

/** An envelope that could be read. Nothing in it is to be believed before {@link signerOf} has found a signer. */
export interface OpenEnvelope {
  readonly payloadType: string
  readonly body: Buffer
  readonly signatures: readonly { readonly keyid: string; readonly signature: Buffer }[]
}

const SIGNATURE_BYTES = 64
const MAX_SIGNATURES = 16

/** Signs a body. Ed25519 signatures are the same each time. */
export function sealEnvelope(payloadType: string, body: Buffer, keys: readonly SigningKey[]): Envelope {
  return {
    payloadType,
    payload: body.toString('base64'),
    signatures: keys.map(({ id, key }) => ({
      keyid: id,
      sig: sign(null, whatIsSigned(payloadType, body), key).toString('base64'),
    })),
  }
}

/**
 * Reads the text of an envelope. Base64 must be canonical: each envelope has one form, and nothing hides in it.
 *
 * @throws CofferError IMAGE_SIGNATURE_MALFORMED
 */
export function openEnvelope(text: string): OpenEnvelope {
  const { payloadType, payload, signatures } = objectOf(text)
  if (typeof payloadType !== 'string') throw malformed('it has no payload type')
  if (!Array.isArray(signatures) || signatures.length === 0) throw malformed('it has no signatures')
  if (signatures.length > MAX_SIGNATURES) throw malformed('it has too many signatures')
  return {
    payloadType,
    body: bytes(payload, 'payload'),
    signatures: signatures.map((entry: unknown) => {
      const { keyid = '', sig } = (entry ?? {}) as { keyid?: unknown; sig?: unknown }
      if (typeof keyid !== 'string') throw malformed('the id of a key is no text')
      const signature = bytes(sig, 'signature')
      if (signature.length !== SIGNATURE_BYTES) throw malformed('a signature has the wrong length')
      return { keyid, signature }
    }),
  }
}

/**
 * The first of the keys that signed the envelope. Ids in the envelope only hint: each key is tried on each signature, and
 * the key decides the algorithm.
 */
export function signerOf(
  { payloadType, body, signatures }: OpenEnvelope,
  keys: readonly TrustedKey[],
): TrustedKey | undefined {
  const signed = whatIsSigned(payloadType, body)
  return keys.find(({ key }) => signatures.some(({ signature }) => holds(signed, key, signature)))
}

function holds(signed: Buffer, key: KeyObject, signature: Buffer): boolean {
  return key.asymmetricKeyType === 'ed25519' && verify(null, signed, key, signature)
}

/** DSSE's pre-authentication encoding: the type is signed with the body, so one cannot pass for another. */
export function whatIsSigned(payloadType: string, body: Buffer): Buffer {
  const type = Buffer.from(payloadType, 'utf8')
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${body.length} `), body])
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw malformed('it is no JSON object')
}

function bytes(value: unknown, what: string): Buffer {
  if (typeof value === 'string' && value !== '') {
    const decoded = Buffer.from(value, 'base64')
    if (decoded.toString('base64') === value) return decoded
  }
  throw malformed(`the ${what} is not base64`)
}

/** @param reason the rest of the sentence */
export function malformed(reason: string): CofferError {
  return new CofferError(
    'IMAGE_SIGNATURE_MALFORMED',
    `The signature of the image cannot be read: ${reason}`,
    {
      hint: 'Take signature.json again from whoever signed the image.',
    },
  )
}
