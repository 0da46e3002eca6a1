import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { link, open, rm } from 'node:fs/promises'
import { CofferError, isErrno } from '../../../lib/errors.ts'
import { exists } from '../../../lib/path-kind.ts'
import { readRegularFile } from '../../../lib/regular-file.ts'
import { keyId, MAX_KEY_BYTES, type SigningKey } from './keys.ts'

/**
 * Makes an Ed25519 key pair: the private key as PKCS #8 in `file`, readable by its owner only, and the public key beside it
 * in `file.pub`.
 *
 * @param passphrase encrypts the private key; undefined or empty: it lies open in the file
 * @returns the id of the key
 * @throws CofferError SIGNING_KEY_EXISTS when either file is there, SIGNING_KEY_UNWRITABLE
 */
export async function makeKeyPair(file: string, passphrase?: string): Promise<string> {
  const publicFile = `${file}.pub`
  for (const path of [file, publicFile]) if (await exists(path)) throw taken(path)
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const encryption =
    passphrase === undefined || passphrase === '' ? {} : { cipher: 'aes-256-cbc', passphrase }
  const text = privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption }).toString()
  await writeNew(file, text, 0o600)
  try {
    await writeNew(publicFile, publicKey.export({ type: 'spki', format: 'pem' }).toString(), 0o644)
  } catch (error) {
    await rm(file, { force: true })
    throw error
  }
  return keyId(publicKey)
}

/**
 * Reads a private key.
 *
 * @param passphrase for a key that is encrypted
 * @throws CofferError SIGNING_KEY_UNREADABLE, SIGNING_KEY_UNSUITABLE, SIGNING_KEY_LOCKED, SIGNING_KEY_EXPOSED
 */
export async function readSigningKey(file: string, passphrase?: string): Promise<SigningKey> {
  const found = await readRegularFile(file, { maxBytes: MAX_KEY_BYTES }).catch((error: unknown) => {
    throw new CofferError(
      'SIGNING_KEY_UNREADABLE',
      `The signing key ${file} cannot be read: ${isErrno(error) ? error.code : String(error)}`,
      { hint: 'coffer image keygen FILE makes a key.', cause: error },
    )
  })
  const text = found?.bytes.toString('utf8') ?? ''
  const encrypted = text.includes('ENCRYPTED')
  if (encrypted && (passphrase === undefined || passphrase === '')) throw locked(file, false)
  const key = parsePrivateKey(file, text, encrypted ? passphrase : undefined)
  if (!encrypted && ((found?.mode ?? 0) & 0o077) !== 0) {
    throw new CofferError('SIGNING_KEY_EXPOSED', `Other accounts may read the signing key ${file}`, {
      hint: `Run chmod 600 ${file}, and think about who may have seen it.`,
    })
  }
  return { id: keyId(createPublicKey(key)), key }
}

function parsePrivateKey(file: string, text: string, passphrase: string | undefined): KeyObject {
  try {
    const key = createPrivateKey({
      key: text,
      format: 'pem',
      ...(passphrase === undefined ? {} : { passphrase }),
    })
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch (error) {
    // OpenSSL's words differ with its version; what it was about is clear from what we gave it. No cause: it could quote us.
    if (passphrase !== undefined && error instanceof Error && !/unsupported/i.test(error.message)) {
      throw locked(file, true)
    }
  }
  throw new CofferError('SIGNING_KEY_UNSUITABLE', `${file} holds no private Ed25519 key`, {
    hint: 'coffer image keygen FILE makes one; RSA and other keys do not do.',
  })
}

/** The whole file under its name or nothing, and never over another. */
async function writeNew(path: string, text: string, mode: number): Promise<void> {
  const fresh = `${path}.${randomBytes(6).toString('hex')}.new`
  try {
    const handle = await open(fresh, 'wx', mode)
    try {
      await handle.chmod(mode)
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await link(fresh, path)
  } catch (error) {
    if (isErrno(error, 'EEXIST')) throw taken(path)
    throw new CofferError(
      'SIGNING_KEY_UNWRITABLE',
      `The key ${path} cannot be written: ${isErrno(error) ? error.code : String(error)}`,
      { hint: 'Name a file in a directory that is there and that you may write in.', cause: error },
    )
  } finally {
    await rm(fresh, { force: true })
  }
}

function taken(path: string): CofferError {
  return new CofferError('SIGNING_KEY_EXISTS', `${path} exists, and a key is never overwritten`, {
    hint: 'Choose another name; what a lost key signed cannot be signed again with it.',
  })
}

function locked(file: string, tried: boolean): CofferError {
  return new CofferError(
    'SIGNING_KEY_LOCKED',
    tried
      ? `The passphrase does not open the signing key ${file}`
      : `The signing key ${file} needs its passphrase`,
    {
      hint: 'It is taken from COFFER_SIGNING_PASSPHRASE, or from a file: --passphrase-file, of build-image --sign-passphrase-file.',
    },
  )
}
