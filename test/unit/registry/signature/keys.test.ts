import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { removeTree } from '../../../../lib/tree.ts'
import { readPublicKey, readTrustedKeys } from '../../../../registry/images/signature/keys.ts'
import { readPassphrase } from '../../../../registry/images/signature/passphrase.ts'
import { makeKeyPair, readSigningKey } from '../../../../registry/images/signature/signing-key.ts'

const home = mkdtempSync(join(tmpdir(), 'keys-'))
afterAll(() => removeTree(home))

let turn = 0
let directory = ''
beforeEach(async () => {
  directory = join(home, String(turn++))
  await mkdir(directory)
})
const at = (name: string) => join(directory, name)

describe('making a key pair', () => {
  test('gives two files that belong together, the private one for its owner only', async () => {
    const id = await makeKeyPair(at('release'))
    expect((await stat(at('release'))).mode & 0o777).toBe(0o600)
    expect((await stat(at('release.pub'))).mode & 0o777).toBe(0o644)
    expect(await readFile(at('release'), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    expect(await readFile(at('release.pub'), 'utf8')).toMatch(/^-----BEGIN PUBLIC KEY-----\n/)
    expect((await readSigningKey(at('release'))).id).toBe(id)
    expect(await readPublicKey(at('release.pub'))).toMatchObject({ id, name: 'release.pub' })
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(await readdir(directory)).toEqual(['release', 'release.pub'])
  })

  test.each(['release', 'release.pub'])('never overwrites %s', async (name) => {
    await writeFile(at(name), 'precious')
    await expect(makeKeyPair(at('release'))).rejects.toMatchObject({ code: 'SIGNING_KEY_EXISTS' })
    expect(await readFile(at(name), 'utf8')).toBe('precious')
    expect(await readdir(directory)).toEqual([name])
  })

  test('says where it cannot write', async () => {
    await expect(makeKeyPair(at('none/release'))).rejects.toMatchObject({
      code: 'SIGNING_KEY_UNWRITABLE',
      message: expect.stringContaining('ENOENT'),
    })
  })

  test('with a passphrase the private key needs it', async () => {
    const id = await makeKeyPair(at('release'), 'open sesame')
    expect(await readFile(at('release'), 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
    expect((await readSigningKey(at('release'), 'open sesame')).id).toBe(id)
    for (const passphrase of [undefined, '', 'wrong']) {
      await expect(readSigningKey(at('release'), passphrase)).rejects.toMatchObject({
        code: 'SIGNING_KEY_LOCKED',
        message: expect.not.stringMatching(/sesame|wrong/),
      })
    }
  })
})

describe('reading a private key', () => {
  test('that others may read is refused, unless it is encrypted', async () => {
    await makeKeyPair(at('open'))
    await chmod(at('open'), 0o640)
    await expect(readSigningKey(at('open'))).rejects.toMatchObject({ code: 'SIGNING_KEY_EXPOSED' })
    await makeKeyPair(at('closed'), 'x')
    await chmod(at('closed'), 0o644)
    await expect(readSigningKey(at('closed'), 'x')).resolves.toBeDefined()
  })

  test.each([
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['an elliptic curve', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['Ed448', generateKeyPairSync('ed448').privateKey],
  ])('of %s is refused', async (_what, key) => {
    await writeFile(at('other'), key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    await expect(readSigningKey(at('other'))).rejects.toMatchObject({ code: 'SIGNING_KEY_UNSUITABLE' })
  })

  test.each([
    '',
    'ssh-ed25519 AAAA',
    '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
    'x'.repeat(100_000),
  ])('out of something else is refused: %.20s', async (text) => {
    await writeFile(at('junk'), text, { mode: 0o600 })
    await expect(readSigningKey(at('junk'))).rejects.toMatchObject({ code: 'SIGNING_KEY_UNSUITABLE' })
  })

  test('that is not there is an error with its name', async () => {
    await expect(readSigningKey(at('none'))).rejects.toMatchObject({
      code: 'SIGNING_KEY_UNREADABLE',
      message: `The signing key ${at('none')} cannot be read: ENOENT`,
    })
    await expect(readSigningKey('/dev/zero')).rejects.toMatchObject({ code: 'SIGNING_KEY_UNSUITABLE' })
  })
})

describe('trusted keys', () => {
  test('come from files and directories; what does not exist is empty', async () => {
    const ids = [await makeKeyPair(at('a')), await makeKeyPair(at('b'))]
    await writeFile(at('README'), 'no key')
    expect((await readTrustedKeys([directory])).map(({ id }) => id)).toEqual(ids)
    expect((await readTrustedKeys([at('b.pub'), at('none')])).map(({ name }) => name)).toEqual(['b.pub'])
  })

  test('a private key in their place is refused: it has no business there', async () => {
    await makeKeyPair(at('a'))
    await expect(readPublicKey(at('a'))).rejects.toMatchObject({ code: 'TRUSTED_KEY_UNSUITABLE' })
  })

  test.each([
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey],
    ['X25519', generateKeyPairSync('x25519').publicKey],
  ])('a key of %s is refused, and the whole directory with it', async (_what, key) => {
    await makeKeyPair(at('a'))
    await writeFile(at('z.pem'), key.export({ type: 'spki', format: 'pem' }))
    await expect(readTrustedKeys([directory])).rejects.toMatchObject({ code: 'TRUSTED_KEY_UNSUITABLE' })
  })

  test('a place that cannot be read is an error', async () => {
    await makeKeyPair(at('a'))
    await expect(readTrustedKeys([join(at('a.pub'), 'x')])).rejects.toMatchObject({
      code: 'TRUSTED_KEY_UNREADABLE',
    })
  })
})

describe('the passphrase', () => {
  const env = { COFFER_SIGNING_PASSPHRASE: 'of the environment' }

  test('is the first line of a file, else the variable', async () => {
    await writeFile(at('p'), 'of the file\r\nsecond line\n')
    expect(await readPassphrase(env, at('p'))).toBe('of the file')
    expect(await readPassphrase(env, undefined)).toBe('of the environment')
    expect(await readPassphrase({}, undefined)).toBeUndefined()
  })

  test.each(['', '\nsecond'])('an empty first line is an error: %j', async (text) => {
    await writeFile(at('p'), text)
    await expect(readPassphrase(env, at('p'))).rejects.toMatchObject({ code: 'PASSPHRASE_UNREADABLE' })
    await expect(readPassphrase(env, at('none'))).rejects.toMatchObject({ code: 'PASSPHRASE_UNREADABLE' })
  })
})
