import { describe, expect, test } from 'vitest'
import { testApi } from './support.ts'

const message = (answer: { body: Record<string, { message: string }> }) =>
  Object.values(answer.body)[0]?.message

describe('datastores', () => {
  test('members see the versions in use, administrators all of them and what they are made of', async () => {
    const { ask, registry } = await testApi()
    const { datastores } = (await ask('alice', 'GET', '/datastores')).body
    expect(datastores.map((one: { name: string }) => one.name)).toEqual(['mysql', 'postgresql', 'redis'])
    const [mysql] = datastores
    expect(mysql.versions).toHaveLength(1)
    expect(mysql.default_version).toBe(mysql.versions[0].id)
    expect(mysql.versions[0]).toEqual({
      id: mysql.default_version,
      name: '1.0',
      version: '1.0',
      links: [
        {
          rel: 'self',
          href: `https://db.example:8779/v1.0/project-a/datastores/versions/${mysql.default_version}`,
        },
        { rel: 'bookmark', href: `https://db.example:8779/datastores/versions/${mysql.default_version}` },
      ],
    })
    const [all] = (await ask('admin', 'GET', '/datastores')).body.datastores
    expect(all.versions.map((one: { name: string; active: boolean }) => [one.name, one.active])).toEqual(
      expect.arrayContaining([
        ['1.0', true],
        ['old', false],
      ]),
    )
    // A default that this caller cannot see is not named: clients would look for it in the list.
    await registry.putDatastore('mysql', 'old')
    expect((await ask('alice', 'GET', '/datastores/mysql')).body.datastore).not.toHaveProperty(
      'default_version',
    )
    expect((await ask('admin', 'GET', '/datastores/mysql')).body.datastore).toHaveProperty('default_version')
  })

  test('a version is found by name or id below its datastore, and by id alone', async () => {
    const { ask } = await testApi()
    const { version } = (await ask('alice', 'GET', '/datastores/mysql/versions/1.0')).body
    expect((await ask('alice', 'GET', `/datastores/mysql/versions/${version.id}`)).body).toEqual({ version })
    expect((await ask('alice', 'GET', `/datastores/versions/${version.id}`)).body).toEqual({ version })
    expect((await ask('alice', 'GET', '/datastores/mysql/versions')).body).toEqual({ versions: [version] })
    expect((await ask('alice', 'GET', '/datastores/mysql/versions/1.0/flavors')).body.flavors).toHaveLength(3)
    expect((await ask('alice', 'GET', '/datastores/mysql/versions/1.0/volume-types')).body).toEqual({
      volume_types: [],
    })
  })

  test.each([
    ['/datastores/oracle', 404, "Datastore 'oracle' cannot be found."],
    ['/datastores/oracle/versions/1', 404, "Datastore 'oracle' cannot be found."],
    ['/datastores/mysql/versions/9', 400, "Datastore version '9' cannot be found."],
    ['/datastores/mysql/versions/old', 400, "Datastore version 'old' cannot be found."],
    ['/datastores/versions/9', 400, "Datastore version '9' cannot be found."],
    ['/datastores/mysql/versions/1.0/parameters/none', 404, 'Resource none cannot be found.'],
    ['/flavors/m1.small', 404, 'Resource m1.small cannot be found.'],
  ])('%s: %i', async (path, status, words) => {
    const { ask } = await testApi()
    const answer = await ask('alice', 'GET', path)
    expect([answer.status, message(answer)]).toEqual([status, words])
  })

  test('limits of parameters keep every digit, and a limit of 0 is one', async () => {
    const { app, registry, ask } = await testApi()
    const version = await registry.findVersion('mysql', '1.0')
    const id = version?.id ?? ''
    await registry.putParameters(id, [
      {
        name: 'big',
        restart_required: false,
        data_type: 'integer',
        max_size: '18446744073709551615',
        min_size: '0',
      },
      { name: 'words', restart_required: true, data_type: 'string', max_size: null, min_size: null },
    ])
    const url = `/v1.0/project-a/datastores/versions/${id}/parameters`
    const { body } = await app.inject({ url, headers: { 'x-auth-token': 'alice' } })
    expect(body).toContain('"max":18446744073709551615,"min":0')
    expect((await ask('alice', 'GET', '/datastores/mysql/versions/1.0/parameters/words')).body).toEqual({
      name: 'words',
      datastore_version_id: id,
      restart_required: true,
      type: 'string',
    })
  })
})

test('flavors: the id as a number where it is one, the text always', async () => {
  const { ask } = await testApi()
  const { flavors } = (await ask('alice', 'GET', '/flavors')).body
  expect(flavors.map((one: { id: number | null; str_id: string }) => [one.id, one.str_id])).toEqual([
    [2, '2'],
    [3, '3'],
    [null, 'tiny'],
  ])
  expect((await ask('alice', 'GET', '/flavors/tiny')).body.flavor).toMatchObject({
    name: 'db.tiny',
    ram: 512,
  })
})

describe('what is not there yet', () => {
  test.each(['backups', 'configurations', 'clusters', 'modules', 'backup_strategies'])(
    'there are no %s, and none can be made',
    async (name) => {
      const { ask } = await testApi()
      expect((await ask('alice', 'GET', `/${name}`)).body).toEqual({ [name]: [] })
      const answer = await ask('alice', 'POST', `/${name}`, {})
      expect([answer.status, message(answer)]).toEqual([501, expect.stringContaining('not implemented')])
    },
  )
  test('an instance has no backups and no modules', async () => {
    const { ask, running } = await testApi()
    const id = await running()
    expect((await ask('alice', 'GET', `/instances/${id}/backups`)).body).toEqual({ backups: [] })
    expect((await ask('alice', 'GET', `/instances/${id}/modules`)).body).toEqual({ modules: [] })
    expect((await ask('alice', 'GET', `/instances/${id}/log`)).status).toBe(501)
    expect(message(await ask('alice', 'GET', '/clusters/x'))).toBe("Cluster 'x' cannot be found.")
  })
})

describe('datastore versions of administrators', () => {
  const version = {
    name: '8.0',
    datastore_name: 'mysql',
    datastore_manager: 'mysql',
    image: 'a6c9e9d0-2b9f-4d5c-9a51-2f3a3c5b9d11',
    image_tags: [],
    packages: ['mysql-server'],
    active: true,
    default: true,
  }
  const url = '/mgmt/datastore-versions'

  test('are made, shown, changed and removed', async () => {
    const { ask } = await testApi()
    expect(await ask('admin', 'POST', url, { version })).toMatchObject({ status: 202, body: undefined })
    const { versions } = (await ask('admin', 'GET', url)).body
    const made = versions.find((one: { name: string }) => one.name === '8.0')
    expect(made).toMatchObject({ ...version, version: '8.0' })
    expect(await ask('admin', 'PATCH', `${url}/${made.id}`, { active: false })).toMatchObject({
      status: 202,
      body: undefined,
    })
    expect((await ask('admin', 'GET', `${url}/${made.id}`)).body.version).toEqual({ ...made, active: false })
    expect((await ask('admin', 'DELETE', `${url}/${made.id}`)).status).toBe(202)
    expect((await ask('admin', 'GET', `${url}/${made.id}`)).status).toBe(404)
  })

  test('exist once, and stay while something was made of them', async () => {
    const { ask, running, registry } = await testApi()
    await ask('admin', 'POST', url, { version })
    const again = await ask('admin', 'POST', url, { version: { ...version, active: false } })
    expect([again.status, message(again)]).toEqual([400, "The datastore version '8.0(8.0)' already exists."])
    await running()
    const used = await registry.findVersion('mysql', '8.0')
    expect((await ask('admin', 'DELETE', `${url}/${used?.id}`)).status).toBe(400)
    const taken = await registry.findVersion('mysql', '1.0')
    expect((await ask('admin', 'PATCH', `${url}/${taken?.id}`, { name: '8.0', version: '8.0' })).status).toBe(
      400,
    )
  })

  test('a datastore goes when it has none', async () => {
    const { ask, registry } = await testApi()
    expect((await ask('alice', 'DELETE', '/datastores/redis')).status).toBe(403)
    const answer = await ask('admin', 'DELETE', '/datastores/redis')
    expect([answer.status, message(answer)]).toEqual([400, 'Datastore versions exist for datastore redis.'])
    const redis = await registry.get('redis')
    for (const one of await registry.versions(redis?.id ?? '')) await registry.deleteVersion(one.id)
    expect((await ask('admin', 'DELETE', '/datastores/redis')).status).toBe(202)
    expect((await ask('admin', 'DELETE', '/datastores/redis')).status).toBe(404)
  })
})

describe('quotas', () => {
  const url = '/mgmt/quotas/project-a'

  test('are read as a list and written as an object', async () => {
    const { ask, running } = await testApi()
    await running()
    const written = await ask('admin', 'PUT', url, { quotas: { instances: 7, volumes: null } })
    expect(written.body).toEqual({ quotas: { instances: 7 } })
    const { quotas } = (await ask('admin', 'GET', url)).body
    expect(quotas).toEqual(
      expect.arrayContaining([
        { resource: 'instances', in_use: 1, reserved: 0, limit: 7 },
        { resource: 'volumes', in_use: 1, reserved: 0, limit: 20 },
        { resource: 'ram', in_use: 2048, reserved: 0, limit: -1 },
      ]),
    )
    expect((await ask('alice', 'GET', '/limits')).body.limits[0].max_instances).toBe(7)
  })

  test.each([
    [{ gold: 1, air: 2 }, 404, "Unknown quota resources ['air', 'gold']."],
    [{ instances: -2 }, 400, "Quota limit '-2' for 'instances' is too small - must be at least '-1'."],
    [{ instances: 1.5 }, 400, expect.stringContaining('Validation error')],
    [{}, 400, 'Validation error: quotas {} does not have enough properties'],
  ])('%j is refused with %i', async (quotas, status, words) => {
    const { ask } = await testApi()
    const answer = await ask('admin', 'PUT', url, { quotas })
    expect([answer.status, message(answer)]).toEqual([status, words])
  })
})

test('what the database has no room for is refused before it gets there', async () => {
  const { ask } = await testApi()
  const quotas = { instances: 1 }
  expect((await ask('admin', 'PUT', `/mgmt/quotas/${'x'.repeat(65)}`, { quotas })).status).toBe(404)
  const version = { name: '9', datastore_name: 'mysql', datastore_manager: 'mysql', active: true }
  const post = async (more: object) =>
    (await ask('admin', 'POST', '/mgmt/datastore-versions', { version: { ...version, ...more } })).status
  expect(await post({ image: 'x'.repeat(37) })).toBe(400)
  expect(await post({ image: 'x', packages: Array(3).fill('p'.repeat(200)) })).toBe(400)
  expect(await post({ image: 'x', packages: ['p'.repeat(200)] })).toBe(202)
})
