import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { digestFile } from '../../../../lib/hash.ts'
import { removeTree } from '../../../../lib/tree.ts'
import { recordFiles, recordText } from '../../../../registry/images/record.ts'
import { type Envelope, whatIsSigned } from '../../../../registry/images/signature/envelope.ts'
import { SIGNED_FILES } from '../../../../registry/images/signature/image-statement.ts'
import { readTrustedKeys } from '../../../../registry/images/signature/keys.ts'
import { readSigningKey } from '../../../../registry/images/signature/signing-key.ts'
import { verifyImage } from '../../../../registry/images/signature/verify.ts'
import { type BuiltImage, builtImage, keyIn, signBuiltImage } from './signed-image.ts'

const home = mkdtempSync(join(tmpdir(), 'tamper-'))
afterAll(() => removeTree(home))

let turn = 0
let directory = ''
let key = ''
let built: BuiltImage
beforeEach(async () => {
  directory = join(home, String(turn++))
  await mkdir(directory)
  key = await keyIn(directory, 'release')
  built = await builtImage(directory)
  await signBuiltImage(built, key)
})

/** What does not hold, by file, as error codes. */
async function wrong(keys = [`${key}.pub`], image = built): Promise<Record<string, string>> {
  const findings = await verifyImage({
    image: { name: 'redis.raw', sha256: await digestFile(image.image) },
    directory: image.directory,
    keys: await readTrustedKeys(keys),
  })
  return Object.fromEntries(
    findings.flatMap(({ what, error }) => (error === undefined ? [] : [[what, error.code]])),
  )
}

const signature = join('.', recordFiles.signature)
const envelopeFile = () => join(built.directory, signature)
const envelope = async () => JSON.parse(await readFile(envelopeFile(), 'utf8')) as Envelope
const putEnvelope = (value: unknown) =>
  writeFile(envelopeFile(), typeof value === 'string' ? value : JSON.stringify(value))

async function flipByte(file: string): Promise<void> {
  const bytes = await readFile(file)
  const middle = bytes.length >> 1
  bytes[middle] = (bytes[middle] ?? 0) ^ 1
  await writeFile(file, bytes)
}

test('an image that nobody touched holds in every point', async () => {
  const findings = await verifyImage({
    image: { name: 'redis.raw', sha256: built.sha256 },
    directory: built.directory,
    keys: await readTrustedKeys([`${key}.pub`]),
  })
  expect(findings.map(({ what, error }) => [what, error])).toEqual(
    ['signature', 'redis.raw', ...SIGNED_FILES.toSorted()].map((what) => [what, undefined]),
  )
})

describe('one flipped byte is found, in', () => {
  test('the image', async () => {
    await flipByte(built.image)
    expect(await wrong()).toEqual({ 'redis.raw': 'SIGNED_IMAGE_DIFFERS' })
  })

  test.each(SIGNED_FILES)('%s', async (name) => {
    await flipByte(join(built.directory, name))
    expect(await wrong()).toEqual({ [name]: 'SIGNED_FILE_DIFFERS' })
  })

  test('the payload of the signature', async () => {
    const { payload, ...rest } = await envelope()
    const body = Buffer.from(payload, 'base64')
    body[body.indexOf('redis')] = 'R'.charCodeAt(0)
    await putEnvelope({ ...rest, payload: body.toString('base64') })
    expect(await wrong()).toEqual({ signature: 'IMAGE_SIGNATURE_INVALID' })
  })

  test('the signature itself', async () => {
    const { signatures, ...rest } = await envelope()
    const bytes = Buffer.from(signatures[0]?.sig ?? '', 'base64')
    bytes[5] = (bytes[5] ?? 0) ^ 1
    await putEnvelope({ ...rest, signatures: [{ ...signatures[0], sig: bytes.toString('base64') }] })
    expect(await wrong()).toEqual({ signature: 'IMAGE_SIGNATURE_INVALID' })
  })
})

describe('what was taken away, added or swapped is found:', () => {
  test.each(SIGNED_FILES)('%s taken away', async (name) => {
    await rm(join(built.directory, name))
    expect(await wrong()).toEqual({ [name]: 'SIGNED_FILE_MISSING' })
  })

  test('the signature taken away', async () => {
    await rm(envelopeFile())
    expect(await wrong()).toEqual({ signature: 'IMAGE_UNSIGNED' })
  })

  test('a file of the record added after signing', async () => {
    await rm(join(built.directory, recordFiles.files))
    await signBuiltImage(built, key)
    expect(await wrong()).toEqual({})
    await writeFile(join(built.directory, recordFiles.files), 'x')
    expect(await wrong()).toEqual({ [recordFiles.files]: 'FILE_NOT_SIGNED' })
  })

  test("another image's signature of the same key", async () => {
    const other = await builtImage(directory, 'mysql')
    await signBuiltImage(other, key)
    await copyFile(join(other.directory, signature), envelopeFile())
    expect(await wrong()).toMatchObject({
      'redis.raw': 'SIGNED_IMAGE_DIFFERS',
      [recordFiles.record]: 'SIGNED_FILE_DIFFERS',
      [recordFiles.spdx]: 'SIGNED_FILE_DIFFERS',
    })
  })

  test("another image's whole record", async () => {
    const other = await builtImage(directory, 'mysql')
    await signBuiltImage(other, key)
    expect(await wrong([`${key}.pub`], { ...built, directory: other.directory })).toMatchObject({
      'redis.raw': 'SIGNED_IMAGE_DIFFERS',
    })
  })

  test('a record of another build under the own signature', async () => {
    const manifest = join(built.directory, recordFiles.record)
    await writeFile(manifest, recordText({ ...built.record, outputs: [] }))
    await signBuiltImage(built, key)
    expect(await wrong()).toEqual({ record: 'RECORD_OF_ANOTHER_IMAGE' })
  })

  test('a file of the record as the image', async () => {
    const sbom = join(built.directory, recordFiles.spdx)
    expect(await wrong([`${key}.pub`], { ...built, image: sbom })).toMatchObject({
      'redis.raw': 'SIGNED_IMAGE_DIFFERS',
    })
  })

  test('a link or a FIFO in the place of a file is not followed', async () => {
    const sbom = join(built.directory, recordFiles.spdx)
    await copyFile(sbom, join(directory, 'elsewhere'))
    await rm(sbom)
    await symlink(join(directory, 'elsewhere'), sbom)
    await expect(wrong()).rejects.toMatchObject({ code: 'RECORD_FILE_UNREADABLE' })
  })
})

describe('whose signature it is', () => {
  test('a stranger does not count, whatever key he says it is', async () => {
    const stranger = await keyIn(directory, 'stranger')
    await signBuiltImage(await builtImage(directory), stranger)
    await rm(envelopeFile())
    await signBuiltImage(built, stranger)
    expect(await wrong()).toEqual({ signature: 'IMAGE_SIGNER_UNKNOWN' })
    const { signatures, ...rest } = await envelope()
    await putEnvelope({
      ...rest,
      signatures: [{ ...signatures[0], keyid: (await readSigningKey(key)).id }],
    })
    expect(await wrong()).toEqual({ signature: 'IMAGE_SIGNATURE_INVALID' })
  })

  test('the id of a key is only a hint', async () => {
    const { signatures, ...rest } = await envelope()
    await putEnvelope({ ...rest, signatures: [{ ...signatures[0], keyid: '\u001b[31m' }] })
    expect(await wrong()).toEqual({})
  })

  test('several keys can sign the same files; each is enough', async () => {
    const second = await keyIn(directory, 'second')
    await signBuiltImage(built, second)
    await signBuiltImage(built, second)
    expect((await envelope()).signatures).toHaveLength(2)
    for (const one of [key, second]) expect(await wrong([`${one}.pub`])).toEqual({})
  })

  test('no trusted key at all holds nothing', async () => {
    expect(await wrong([])).toEqual({ signature: 'IMAGE_SIGNER_UNKNOWN' })
  })
})

describe('another algorithm does not get by:', () => {
  const resign = async (make: (signed: Buffer) => Buffer) => {
    const { payload, payloadType, signatures } = await envelope()
    const sig = make(whatIsSigned(payloadType, Buffer.from(payload, 'base64'))).toString('base64')
    await putEnvelope({ payloadType, payload, signatures: [{ keyid: signatures[0]?.keyid, sig }] })
  }

  test('an HMAC with the public key as its secret', async () => {
    const secret = await readFile(`${key}.pub`)
    await resign((signed) => createHmac('sha512', secret).update(signed).digest())
    expect(await wrong()).toEqual({ signature: 'IMAGE_SIGNATURE_INVALID' })
  })

  test('an elliptic curve or RSA', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    await resign((signed) => sign('sha256', signed, { key: ec, dsaEncoding: 'ieee-p1363' }))
    expect(await wrong()).toEqual({ signature: 'IMAGE_SIGNATURE_INVALID' })
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    await resign((signed) => sign('sha256', signed, rsa))
    expect(await wrong()).toEqual({ signature: 'IMAGE_SIGNATURE_MALFORMED' })
  })

  test('all zeros', async () => {
    await resign(() => Buffer.alloc(64))
    expect(await wrong()).toEqual({ signature: 'IMAGE_SIGNATURE_INVALID' })
  })

  test('the body signed without its type', async () => {
    const { key: privateKey } = await readSigningKey(key)
    const { payload } = await envelope()
    await resign(() => sign(null, Buffer.from(payload, 'base64'), privateKey))
    expect(await wrong()).toEqual({ signature: 'IMAGE_SIGNATURE_INVALID' })
  })
})

describe('a signature that is none is refused:', () => {
  test.each([
    '',
    '{',
    'null',
    '[]',
    '{}',
    '{"payloadType":1,"payload":"","signatures":[]}',
    '{"payloadType":"x","payload":"AAAA","signatures":{}}',
    '{"payloadType":"x","payload":"AAAA","signatures":[null]}',
    '{"payloadType":"x","payload":"AAAA","signatures":[{"sig":"AAAA"}]}',
    '{"payloadType":"x","payload":"A A A A","signatures":[{"sig":"AAAA"}]}',
    `{"payloadType":"x","payload":"AAAA","signatures":[${'{"sig":"AAAA"},'.repeat(99)}{}]}`,
    `${'['.repeat(100_000)}`,
  ])('%.60s', async (text) => {
    await putEnvelope(text)
    expect(await wrong()).toEqual({ signature: 'IMAGE_SIGNATURE_MALFORMED' })
  })

  test('one too large to be one', async () => {
    await putEnvelope(`{"payload":"${'A'.repeat(65 << 20)}"}`)
    await expect(wrong()).rejects.toMatchObject({ code: 'RECORD_FILE_UNREADABLE' })
  })

  /** Signs any body with the trusted key: a signer's mistake, or a signature made for something else. */
  async function signed(body: unknown, payloadType = 'application/vnd.in-toto+json') {
    const { id, key: privateKey } = await readSigningKey(key)
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const sig = sign(null, whatIsSigned(payloadType, bytes), privateKey).toString('base64')
    await putEnvelope({ payloadType, payload: bytes.toString('base64'), signatures: [{ keyid: id, sig }] })
  }
  const statement = async () =>
    JSON.parse(Buffer.from((await envelope()).payload, 'base64').toString('utf8')) as {
      subject: { name: string; digest: { sha256: string } }[]
      predicate: { images: string[]; record: string[] }
    }

  test('the right body under another type', async () => {
    await signed(await statement(), 'text/plain')
    expect(await wrong()).toEqual({ signature: 'IMAGE_SIGNATURE_MALFORMED' })
  })

  test.each([
    ['no JSON', () => 'hello'],
    ['null', () => 'null'],
    ['the provenance', (one: object) => ({ ...one, predicateType: 'https://slsa.dev/provenance/v1' })],
    ['no subjects', (one: object) => ({ ...one, subject: [] })],
    ['a subject that is nothing', (one: object) => ({ ...one, subject: [null] })],
    ['no roles', (one: object) => ({ ...one, predicate: null })],
    ['a role that is no file', (one: object) => ({ ...one, predicate: { images: ['x'], record: [] } })],
    ['a role left out', (one: object) => ({ ...one, predicate: { images: ['redis.raw'], record: [] } })],
    [
      'a record file as an image',
      (one: { predicate: { images: string[]; record: string[] } }) => ({
        ...one,
        predicate: { images: [...one.predicate.images, ...one.predicate.record], record: [] },
      }),
    ],
    [
      'a file twice',
      (one: { subject: unknown[] }) => ({ ...one, subject: [...one.subject, one.subject[0]] }),
    ],
    [
      'a path',
      (one: { subject: { name: string }[] }) => ({
        ...one,
        subject: one.subject.map((entry, index) => (index === 0 ? { ...entry, name: '../x' } : entry)),
      }),
    ],
  ])('a signed statement of %s', async (_what, change) => {
    await signed(change((await statement()) as never))
    expect(await wrong()).toEqual({ signature: 'IMAGE_SIGNATURE_MALFORMED' })
  })
})
