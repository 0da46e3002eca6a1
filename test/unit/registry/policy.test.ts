import { mkdtempSync } from 'node:fs'
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { removeTree } from '../../../lib/tree.ts'
import { recordFiles } from '../../../registry/images/record.ts'
import { openImageStore } from '../../../registry/images/store.ts'
import { type BuiltImage, builtImage, keyIn, signBuiltImage } from './signature/signed-image.ts'

const home = mkdtempSync(join(tmpdir(), 'policy-'))
afterAll(() => removeTree(home))

let turn = 0
let directory = ''
let key = ''
let built: BuiltImage
beforeEach(async () => {
  directory = join(home, String(turn++))
  await mkdir(join(directory, 'trusted'), { recursive: true })
  key = await keyIn(join(directory, 'trusted'), 'release')
  built = await builtImage(directory)
})

const strict = () =>
  openImageStore(join(directory, 'store'), {
    policy: { requireSigned: true, trustedKeys: [join(directory, 'trusted')] },
  })
const lenient = () => openImageStore(join(directory, 'store'))
const put = (store = strict()) => store.put(built.image, { recordDirectory: built.directory })

describe('a store that takes signed images only', () => {
  test('keeps record, SBOMs and signature with the image, and hands it out', async () => {
    await signBuiltImage(built, key)
    const { id } = await put()
    const files = await strict().files(id)
    expect((await readdir(files?.record ?? '')).sort()).toEqual(Object.values(recordFiles).sort())
    await expect(strict().locate(id)).resolves.toMatchObject({ path: files?.image })
  })

  test.each([
    ['is not signed', async () => undefined, 'IMAGE_UNSIGNED'],
    [
      'a stranger signed',
      async () => signBuiltImage(built, await keyIn(directory, 'stranger')),
      'IMAGE_SIGNER_UNKNOWN',
    ],
    [
      'has another SBOM than was signed',
      async () => {
        await signBuiltImage(built, key)
        await appendFile(join(built.directory, recordFiles.cyclonedx), ' ')
      },
      'SIGNED_FILE_DIFFERS',
    ],
  ])('refuses an image that %s, and nothing of it stays', async (_what, spoil, code) => {
    await spoil()
    await expect(put()).rejects.toMatchObject({ code })
    expect(await readdir(join(directory, 'store'))).toEqual([])
  })

  test('refuses an image that changed after it was signed', async () => {
    await signBuiltImage(built, key)
    await appendFile(built.image, 'x')
    await expect(put()).rejects.toMatchObject({ code: 'SIGNED_IMAGE_DIFFERS' })
  })

  test('hands out nothing that was put in before signatures were asked for', async () => {
    const { id } = await put(lenient())
    await expect(lenient().locate(id)).resolves.toBeDefined()
    await expect(strict().locate(id)).rejects.toMatchObject({ code: 'IMAGE_UNSIGNED' })
    // Signed later and put again, it is the same image with a signature.
    await signBuiltImage(built, key)
    expect((await put()).id).toBe(id)
    await expect(strict().locate(id)).resolves.toBeDefined()
  })

  test('notices what changes in the store, and a key that is taken away, at the next start', async () => {
    await signBuiltImage(built, key)
    const store = strict()
    const { id } = await put(store)
    await store.locate(id)
    const sbom = join((await store.files(id))?.record ?? '', recordFiles.spdx)
    const text = await readFile(sbom)
    await appendFile(sbom, ' ')
    await expect(store.locate(id)).rejects.toMatchObject({ code: 'SIGNED_FILE_DIFFERS' })
    await writeFile(sbom, text)
    await store.locate(id)
    await rm(`${key}.pub`)
    await expect(store.locate(id)).rejects.toMatchObject({ code: 'TRUSTED_KEYS_MISSING' })
  })

  test('takes an image from elsewhere that has a signature and no record', async () => {
    for (const name of Object.values(recordFiles)) await rm(join(built.directory, name), { force: true })
    await signBuiltImage(built, key)
    const { id } = await put()
    await expect(strict().locate(id)).resolves.toBeDefined()
    expect(await readdir((await strict().files(id))?.record ?? '')).toEqual([recordFiles.signature])
  })
})

test('a store without a policy asks nobody, but keeps what comes with an image', async () => {
  const { id } = await put(lenient())
  expect(await readdir((await lenient().files(id))?.record ?? '')).toContain(recordFiles.spdx)
})
