import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CofferError, isErrno } from './errors.ts'

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** Version of the form: a later one can change the cipher and still open what is stored. */
const VERSION = 'v1.'

/** Keeps text from the eyes of whoever reads the database, and notices when somebody changed it. */
export interface Sealer {
  readonly seal: (text: string) => string
  /** @throws CofferError SEAL_BROKEN when the text was sealed with another key, or changed */
  readonly open: (sealed: string) => string
}

/**
 * Seals with AES-256-GCM. The same text sealed twice looks different.
 *
 * @param key 32 bytes, see {@link loadKey}
 */
export function sealer(key: Buffer): Sealer {
  if (key.length !== KEY_BYTES)
    throw new TypeError(`A key has ${KEY_BYTES} bytes, this one has ${key.length}`)
  return {
    seal: (text) => {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return VERSION + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
    },
    open: (sealed) => {
      const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64')
      const nonce = bytes.subarray(0, NONCE_BYTES)
      try {
        if (!sealed.startsWith(VERSION)) throw new Error('unknown form')
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
        decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
        const body = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES))
        return Buffer.concat([body, decipher.final()]).toString('utf8')
      } catch (error) {
        throw new CofferError(
          'SEAL_BROKEN',
          'A stored secret cannot be opened: another key sealed it, or it was changed',
          {
            hint: 'Bring back the secret.key that belongs to this database.',
            cause: error,
          },
        )
      }
    },
  }
}

/**
 * Reads the key of a state directory; the first call makes it, with permissions 0600. Processes that start at once all get
 * the same key.
 *
 * @throws CofferError SECRET_KEY_BROKEN when the file holds no key
 * @throws CofferError SECRET_KEY_EXPOSED when other accounts may read it
 */
export async function loadKey(file: string): Promise<Buffer> {
  const text = await readIfThere(file)
  if (text === undefined) {
    await createKey(file)
    return loadKey(file)
  }
  if (((await stat(file)).mode & 0o077) !== 0) {
    throw new CofferError('SECRET_KEY_EXPOSED', `Other accounts may read the secret key ${file}`, {
      hint: `Run chmod 600 ${file}, and think about who may have seen it.`,
    })
  }
  if (!/^[0-9a-f]{64}\n?$/.test(text)) {
    throw new CofferError('SECRET_KEY_BROKEN', `${file} holds no secret key`, {
      hint: 'Bring it back from a backup. Without it the secrets in the database cannot be opened.',
    })
  }
  return Buffer.from(text.trim(), 'hex')
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

/** The whole key under its name or nothing, and never over another one: a rename would replace a key just made. */
async function createKey(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const fresh = `${file}.${randomBytes(6).toString('hex')}.new`
  try {
    const handle = await open(fresh, 'wx', 0o600)
    try {
      await handle.writeFile(`${randomBytes(KEY_BYTES).toString('hex')}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await link(fresh, file)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  } finally {
    await rm(fresh, { force: true })
  }
}
