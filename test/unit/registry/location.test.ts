import { mkdtempSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { removeTree } from '../../../lib/tree.ts'
import { registryLocation } from '../../../registry/location.ts'
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
