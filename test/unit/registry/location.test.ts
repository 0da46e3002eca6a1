import { mkdtempSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { removeTree } from '../../../lib/tree.ts'
import { registryLocation } from '../../../registry/location.ts'
import { imagePolicyOf } from '../../../runtime/settings/image-policy.ts'
import { loadSettings } from '../../../runtime/settings/index.ts'

const stateDir = mkdtempSync(join(tmpdir(), 'location-'))
afterAll(() => removeTree(stateDir))
const env = { COFFER_STATE_DIR: stateDir }

test.each([
  ['no file', ''],
  ['a file without a database', '[DEFAULT]\nregion = a\n'],
  ['a database', '[database]\nconnection = mysql://trove:secret@db.example/trove\n'],
  ['the older spelling', '[DEFAULT]\nsql_connection = mysql://old@db.example/trove\n'],
  ['both spellings', '[DEFAULT]\nsql_connection = sqlite:////x\n[database]\nconnection = sqlite:////y\n'],
])('a program that registers and the services find the same database: %s', async (_what, text) => {
  await writeFile(join(stateDir, 'trove.conf'), text)
  const { databaseUrl, images } = await registryLocation(env)
  expect(databaseUrl).toBe((await loadSettings({ env })).databaseUrl)
  expect(images).toBe(join(stateDir, 'images'))
})

test.each([
  ['no file', ''],
  ['signatures asked for', '[coffer]\nrequire_signed_images = yes\n'],
  ['keys named', '[coffer]\nrequire_signed_images = True\ntrusted_image_keys = /a.pub, /keys\n'],
  ['keys below another option', '[coffer]\nhere = /srv\ntrusted_image_keys = $here/keys\n'],
])('a program that registers and the services trust the same images: %s', async (_what, text) => {
  await writeFile(join(stateDir, 'trove.conf'), text)
  const { policy } = await registryLocation(env)
  expect(policy).toEqual(imagePolicyOf(await loadSettings({ env })))
})

test('a wish for signatures that is misspelt is an error, not no wish', async () => {
  await writeFile(join(stateDir, 'trove.conf'), '[coffer]\nrequire_signed_images = ture\n')
  await expect(registryLocation(env)).rejects.toMatchObject({ code: 'SETTING_INVALID' })
  await expect(loadSettings({ env })).rejects.toMatchObject({ code: 'SETTING_INVALID' })
})
