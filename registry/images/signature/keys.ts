import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { CofferError, isErrno } from '../../../lib/errors.ts'
import { readRegularFile } from '../../../lib/regular-file.ts'

/** A private Ed25519 key with the id of its public half. */
export interface SigningKey {
  readonly id: string
  readonly key: KeyObject
}

/** A public Ed25519 key that somebody on this machine trusts. */
export interface TrustedKey {
  readonly id: string
  /** Name of the file that it came from. */
  readonly name: string
  readonly key: KeyObject
}

/** A key has about 120 bytes. */
export const MAX_KEY_BYTES = 16_384

/** How signatures name a key: the SHA-256 of the public key's SubjectPublicKeyInfo, in hexadecimal. */
export function keyId(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
}

/**
 * Reads public keys.
 *
 * @param places files, and directories whose `*.pub` and `*.pem` are read, by name; what does not exist counts as empty
 * @throws CofferError TRUSTED_KEY_UNSUITABLE, TRUSTED_KEY_UNREADABLE for any of them: a key ring is whole or an error
 */
export async function readTrustedKeys(places: readonly string[]): Promise<readonly TrustedKey[]> {
  const files = (await Promise.all(places.map(filesAt))).flat()
  return Promise.all(files.map(readPublicKey))
}

/** @throws CofferError TRUSTED_KEY_UNSUITABLE, TRUSTED_KEY_UNREADABLE */
export async function readPublicKey(file: string): Promise<TrustedKey> {
  const found = await readRegularFile(file, { maxBytes: MAX_KEY_BYTES }).catch((error: unknown) => {
    throw unreadable(file, error)
  })
  const key = parsePublicKey(found?.bytes.toString('utf8') ?? '')
  if (key === undefined) {
    throw new CofferError('TRUSTED_KEY_UNSUITABLE', `${file} holds no public Ed25519 key`, {
      hint: 'It is the file that `coffer image keygen FILE` writes as FILE.pub; RSA and other keys do not do.',
    })
  }
  return { id: keyId(key), name: basename(file), key }
}

/** One key in SubjectPublicKeyInfo, and nothing else: a private key would be read as its public half. */
function parsePublicKey(text: string): KeyObject | undefined {
  const [pem] =
    /^-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----$/.exec(text.trim()) ?? []
  if (pem === undefined) return undefined
  try {
    const key = createPublicKey(pem)
    return key.asymmetricKeyType === 'ed25519' ? key : undefined
  } catch {
    return undefined
  }
}

async function filesAt(place: string): Promise<readonly string[]> {
  try {
    if (!(await stat(place)).isDirectory()) return [place]
    const names = await readdir(place)
    return names
      .filter((name) => /\.(pub|pem)$/.test(name))
      .sort()
      .map((name) => join(place, name))
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw unreadable(place, error)
  }
}

function unreadable(file: string, error: unknown): CofferError {
  return new CofferError(
    'TRUSTED_KEY_UNREADABLE',
    `The key ${file} cannot be read: ${isErrno(error) ? error.code : String(error)}`,
    { hint: 'Check the path and its permissions.', cause: error },
  )
}
