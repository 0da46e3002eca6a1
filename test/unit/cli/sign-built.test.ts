import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openSigningKey, signBuilt, takePassphrase } from '../../../builder/cli/sign-built.ts'
import { removeTree } from '../../../lib/tree.ts'
import { readTrustedKeys } from '../../../registry/images/signature/keys.ts'
import { makeKeyPair } from '../../../registry/images/signature/signing-key.ts'
import { verifyImage } from '../../../registry/images/signature/verify.ts'
import { builtImage } from '../registry/signature/signed-image.ts'

const home = mkdtempSync(join(tmpdir(), 'sign-'))
afterAll(() => removeTree(home))

test('the passphrase leaves the environment before anything of the build starts', async () => {
  const env: NodeJS.ProcessEnv = { COFFER_SIGNING_PASSPHRASE: 'open sesame', PATH: '/bin' }
  const keyFile = join(home, 'locked')
  const id = await makeKeyPair(keyFile, 'open sesame')
  expect((await openSigningKey({ keyFile, passphraseFile: undefined }, env))?.id).toBe(id)
  expect(env).toEqual({ PATH: '/bin' })

  const unsigned: NodeJS.ProcessEnv = { COFFER_SIGNING_PASSPHRASE: 'open sesame' }
  expect(await openSigningKey(undefined, unsigned)).toBeUndefined()
  expect(unsigned).toEqual({})
  expect(takePassphrase({})).toBeUndefined()
})

test('a build is signed by its record, and not without one', async () => {
  const built = await builtImage(home)
  const keyFile = join(home, 'release')
  await makeKeyPair(keyFile)
  const key = await openSigningKey({ keyFile, passphraseFile: undefined }, {})
  if (key === undefined) throw new Error('there is a key')
  await signBuilt([built.image], key)
  const findings = await verifyImage({
    image: { name: 'redis.raw', sha256: built.sha256 },
    directory: built.directory,
    keys: await readTrustedKeys([`${keyFile}.pub`]),
  })
  expect(findings.filter(({ error }) => error !== undefined)).toEqual([])

  await rm(join(built.directory, 'manifest.json'))
  for (const outputs of [[built.image], []]) {
    await expect(signBuilt(outputs, key)).rejects.toMatchObject({ code: 'BUILD_RECORD_MISSING' })
  }
})
