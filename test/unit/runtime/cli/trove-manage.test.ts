import { mkdtempSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../../../lib/exec.ts'
import { removeTree } from '../../../../lib/tree.ts'
import { openRegistryDatabase, type RegistryDatabase } from '../../../../registry/db/index.ts'
import { openImageStore } from '../../../../registry/images/store.ts'

const root = new URL('../../../..', import.meta.url).pathname
const home = mkdtempSync(join(tmpdir(), 'manage-'))
const program = join(root, 'runtime/bin/trove-manage')
const manage = (...words: string[]) =>
  run([program, ...words], {
    check: false,
    env: { PATH: process.env.PATH, HOME: home, COFFER_STATE_DIR: home },
  })

let registry: RegistryDatabase
let image = ''
beforeAll(async () => {
  await writeFile(join(home, 'percona.raw'), 'boot sector')
  image = (await openImageStore(join(home, 'images')).put(join(home, 'percona.raw'), {})).id
  await manage('db_sync')
  registry = await openRegistryDatabase(`sqlite://${home}/trove.sqlite`)
})
afterAll(async () => {
  await registry.close()
  await removeTree(home)
})

test('a datastore is registered in the four steps of the book', async () => {
  const rules = join(home, 'rules.json')
  const rule = { name: 'innodb_file_per_table', restart_required: true, max: 1, min: 0, type: 'integer' }
  await writeFile(rules, JSON.stringify({ 'configuration-parameters': [rule] }))
  const steps = [
    [['datastore_update', 'percona', ''], "Datastore 'percona' updated."],
    [
      ['datastore_version_update', 'percona', '5.5', 'percona', image, 'percona-server-server-5.5', '1'],
      "Datastore version '5.5' updated.",
    ],
    [['datastore_update', 'percona', '5.5'], "Datastore 'percona' updated."],
    [
      ['db_load_datastore_config_parameters', 'percona', '5.5', rules],
      'Loading config parameters for datastore (percona) version (5.5)',
    ],
  ] as const
  for (const [words, said] of steps) {
    expect(await manage(...words)).toMatchObject({ exitCode: 0, stdout: `${said}\n`, stderr: '' })
  }
  const { datastores } = registry
  const version = await datastores.findVersion('percona', '5.5')
  expect(version).toMatchObject({ image_id: image, packages: 'percona-server-server-5.5', active: true })
  expect(await datastores.get('percona')).toMatchObject({ default_version_id: version?.id })
  expect(await datastores.parameters(version?.id ?? '')).toMatchObject([
    { name: 'innodb_file_per_table', restart_required: true, max_size: '1', min_size: '0' },
  ])
  await manage('db_remove_datastore_config_parameters', 'percona', '5.5')
  expect(await datastores.parameters(version?.id ?? '')).toEqual([])
})

test('db_sync says what it did, and the second time that there was nothing to do', async () => {
  expect(await manage('db_sync')).toMatchObject({ exitCode: 0, stdout: 'The database is up to date.\n' })
})

test('a quota is set, unlimited by -1', async () => {
  const said = "Quota 'volumes' of tenant 'cde807' updated.\n"
  expect(await manage('quota_update', 'cde807', 'volumes', '100')).toMatchObject({
    exitCode: 0,
    stdout: said,
  })
  expect(await manage('quota_update', 'cde807', 'volumes', '--', '-1')).toMatchObject({ exitCode: 0 })
})

describe('what cannot be done is said in a sentence, and changes nothing', () => {
  test.each([
    [
      ['datastore_version_update', 'oracle', '1', 'oracle', 'x', '', '1'],
      1,
      "Datastore 'oracle' cannot be found.",
    ],
    [
      ['datastore_version_update', 'percona', '9', 'percona', 'none', '', '1'],
      1,
      'Image none cannot be found.',
    ],
    [
      ['datastore_version_update', 'percona', '9', 'percona', 'x', '', 'yes'],
      2,
      "active is 0 or 1, not 'yes'",
    ],
    [['db_load_datastore_config_parameters', 'percona', '5.5', '/none'], 1, '/none cannot be read: ENOENT'],
    [['db_remove_datastore_config_parameters', 'percona', '7'], 1, "'percona' has no version '7'"],
    [['db_downgrade', '1'], 1, 'Database downgrade is no longer supported.'],
    [['quota_update', 't', 'disks', '1'], 1, "Unknown quota resources ['disks']."],
    [['quota_update', 't', 'ram', 'many'], 2, "limit is a whole number, not 'many'"],
    [['datastore_update', 'mysql'], 2, "missing required argument 'default_version'"],
    [['no_such_command'], 2, "unknown command 'no_such_command'"],
    [[], 2, 'Usage: trove-manage'],
  ])('%j', async (words, exitCode, text) => {
    const result = await manage(...words)
    expect(result.exitCode).toBe(exitCode)
    expect(result.stderr).toContain(text)
    expect(result.stderr).not.toMatch(/^\s+at /m)
    expect(await registry.datastores.findVersion('percona', '9')).toBeUndefined()
  })
})
