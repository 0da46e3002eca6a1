import { mkdtempSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { removeTree } from '../../../lib/tree.ts'
import { ENGINES, seriesOf } from '../../../registry/datastores/engines.ts'
import { openRegistryDatabase } from '../../../registry/db/index.ts'
import { openImageStore } from '../../../registry/images/store.ts'
import { registerImage } from '../../../registry/register.ts'

const home = mkdtempSync(join(tmpdir(), 'register-'))
afterAll(() => removeTree(home))

const dpkg = (name: string, version: string) => ({ name, version, architecture: 'amd64' })

test.each([
  ['mysql', 'mysql-server-core', '9.7.4-2', '9.7'],
  ['mariadb', 'mariadb-server', '1:10.11.14-0+deb12u2', '10.11'],
  ['postgresql', 'postgresql-15', '15.14-0+deb12u1', '15'],
  ['redis', 'redis-server', '5:7.0.15-1~deb12u5', '7.0'],
  ['percona', 'percona-server-server', '8.4.6-6-1.bookworm', '8.4'],
])('the version of %s is the series of %s %s: %s', (datastore, name, version, series) => {
  const engine = ENGINES[datastore] ?? { manager: '', parts: 2 }
  expect(seriesOf(engine, [dpkg('zlib1g', '1'), dpkg(`${name}-doc`, '3.0'), dpkg(name, version)])).toBe(
    series,
  )
  expect(seriesOf(engine, [])).toBeUndefined()
})

test('one step registers image, datastore, version, parameters and default; again it renews them', async () => {
  const store = openImageStore(join(home, 'images'))
  const database = await openRegistryDatabase(`sqlite:///${join(home, 'trove.sqlite')}`)
  const file = join(home, 'mysql.raw')
  const register = async (bytes: string) => {
    await writeFile(file, bytes)
    return registerImage(
      { store, database },
      {
        file,
        datastore: 'mysql',
        packages: ['mysql-server'],
        content: { packages: [dpkg('mysql-server', '9.7.4-2')], architecture: 'amd64' },
      },
    )
  }
  try {
    const first = await register('one')
    expect(first).toMatchObject({
      image: { name: 'mysql-9.7', datastore: 'mysql', architecture: 'amd64' },
      version: { name: '9.7', manager: 'mysql', packages: 'mysql-server', active: true },
      isDefault: true,
    })
    expect(first.version.image_id).toBe(first.image.id)
    expect(await database.datastores.parameters(first.version.id)).toHaveLength(first.parameters)
    expect(first.parameters).toBeGreaterThan(30)
    expect(await database.datastores.get('mysql')).toMatchObject({ default_version_id: first.version.id })

    const second = await register('two')
    expect(second.version.id).toBe(first.version.id)
    expect(second.image.id).not.toBe(first.image.id)
    expect(await database.datastores.versions(first.version.datastore_id)).toEqual([second.version])
  } finally {
    await database.close()
  }
})

test('an image that does not tell its version is refused before anything is kept', async () => {
  const store = openImageStore(join(home, 'empty'))
  const database = await openRegistryDatabase('sqlite://')
  const file = join(home, 'db2.raw')
  await writeFile(file, 'x')
  const registration = { file, datastore: 'db2', packages: [], content: {} }
  await expect(registerImage({ store, database }, registration)).rejects.toMatchObject({
    code: 'DATASTORE_VERSION_UNCLEAR',
  })
  expect(await store.list()).toEqual([])
  expect(await database.datastores.list()).toEqual([])
  const named = await registerImage({ store, database }, { ...registration, versionName: '11.5' })
  expect(named).toMatchObject({ parameters: 0, version: { name: '11.5', manager: 'db2' } })
  await database.close()
})
