import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openRegistryDatabase } from '../../../../registry/db/index.ts'
import { openDatabase } from '../../../../runtime/db/index.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-registry-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('an image is registered in one step before any service has run, and the services see it', async () => {
  const url = `sqlite://${join(directory, 'trove.sqlite')}`
  const registry = await openRegistryDatabase(url)
  await registry.transaction(async (datastores) => {
    await datastores.putDatastore('mysql')
    const version = await datastores.putVersion({
      datastore: 'mysql',
      name: '9.7',
      manager: 'mysql',
      image_id: '0e1f7ab4-5bb6-8c2f-9a52-5b2d42a1b2c3',
      packages: 'mysql-server',
      active: true,
    })
    const bounds = { data_type: 'integer', min_size: '1', max_size: '100000' }
    await datastores.putParameters(version.id, [
      { ...bounds, name: 'max_connections', restart_required: false },
    ])
    await datastores.putDatastore('mysql', '9.7')
  })
  await registry.close()

  const db = await openDatabase(url)
  const mysql = await db.datastores.get('mysql')
  const version = await db.datastores.versionById(mysql?.default_version_id ?? '')
  expect(version).toMatchObject({ name: '9.7', datastore_name: 'mysql', manager: 'mysql', active: true })
  expect(await db.datastores.parameters(version?.id ?? '')).toHaveLength(1)
  await db.close()
})

test('a step that fails half way registers nothing', async () => {
  const url = `sqlite://${join(directory, 'trove.sqlite')}`
  const registry = await openRegistryDatabase(url)
  const failing = registry.transaction(async (datastores) => {
    await datastores.putDatastore('mysql')
    await datastores.putDatastore('mysql', '9.7')
  })
  await expect(failing).rejects.toMatchObject({ code: 'DATASTORE_VERSION_UNKNOWN' })
  expect(await registry.datastores.list()).toEqual([])
  await registry.close()
})
