import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { testApi, testRpc, testSettings } from './support.ts'

const fine = { name: 'm1', flavorRef: '2', volume: { size: 1 } }
const message = (answer: { body: Record<string, { message: string }> }) =>
  Object.values(answer.body)[0]?.message

test('a create answers 200 with the detail view, and leaves a row, a quota and a sealed task', async () => {
  const { ask, db, rpc, unseal } = await testApi()
  const databases = [{ name: 'db1', character_set: 'utf8mb4' }]
  const users = [{ name: 'user1', password: `p'"`, databases: [{ name: 'db1' }] }]
  const instance = {
    ...fine,
    databases,
    users,
    access: { is_public: false },
    volume: { size: '2', type: null },
  }
  const { status, body } = await ask('alice', 'POST', '/instances', { instance })
  expect(status).toBe(200)
  const { id } = body.instance
  const host = 'https://db.example:8779'
  const links = (path: string) => [
    { rel: 'self', href: `${host}/v1.0/project-a/${path}` },
    { rel: 'bookmark', href: `${host}/${path}` },
  ]
  expect(body.instance).toEqual({
    id,
    name: 'm1',
    status: 'BUILD',
    operating_status: '',
    links: links(`instances/${id}`),
    flavor: { id: '2', links: links('flavors/2') },
    datastore: { type: 'mysql', version: '1.0', version_number: '1.0' },
    volume: { size: 2 },
    region: 'RegionOne',
    access: { is_public: false },
    created: '2026-03-01T12:00:00',
    updated: '2026-03-01T12:00:00',
    ...(body.instance.service_status_updated === undefined
      ? {}
      : { service_status_updated: '2026-03-01T12:00:00' }),
  })
  const usages = Object.fromEntries(
    (await db.quotas.usages('project-a', {})).map((one) => [one.resource, one.in_use]),
  )
  expect(usages).toMatchObject({ instances: 1, volumes: 2, ram: 2048 })
  const [task] = await db.tasks.ofInstance(id)
  expect(task).toMatchObject({ kind: 'create_instance', tenantId: 'project-a', state: 'queued' })
  expect(task?.args).not.toContain('db1')
  expect(JSON.parse(unseal(task?.args ?? ''))).toMatchObject({
    flavor: { id: '2', ram: 2048 },
    databases: [{ _name: 'db1', _character_set: 'utf8mb4' }],
    users: [{ _name: 'user1', _host: '%', _password: `p'"`, _databases: [{ _name: 'db1' }] }],
    datastore: { name: 'mysql', versionName: '1.0', manager: 'mysql' },
    volumeSize: 2,
  })
  expect(rpc.sent).toEqual([{ queue: 'taskmanager', method: 'run_tasks', args: {} }])
  // Clients read it again at once.
  expect((await ask('alice', 'GET', `/instances/${id}`)).body).toEqual(body)
})

test('a task manager that cannot be told fails no create', async () => {
  const cast = async () => {
    throw new Error('no broker')
  }
  const { ask, logLines } = await testApi({}, { rpc: { ...testRpc(), cast } })
  expect((await ask('alice', 'POST', '/instances', { instance: fine })).status).toBe(200)
  expect(logLines.join()).toContain('could not be told of new work')
})

test('where the option root_on_create says so, root is enabled and its password told', async () => {
  const settings = testSettings()
  const datastore = (manager: string) => ({ ...settings.datastore(manager), rootOnCreate: true })
  const { ask, db, unseal } = await testApi({ datastore })
  const { instance } = (await ask('alice', 'POST', '/instances', { instance: fine })).body
  expect(instance.password).toMatch(/^[A-Za-z0-9]{36}$/)
  const [task] = await db.tasks.ofInstance(instance.id)
  expect(JSON.parse(unseal(task?.args ?? '')).rootPassword).toBe(instance.password)
  expect((await db.rootHistory.get(instance.id))?.user).toBe('alice')
  expect((await ask('alice', 'GET', `/instances/${instance.id}`)).body.instance.password).toBeUndefined()
})

describe('what it is made of', () => {
  test.each(['2', 2, 'https://db.example/v1.0/x/flavors/2'])(
    'the flavor may be written %j',
    async (flavorRef) => {
      const { ask } = await testApi()
      const { body } = await ask('alice', 'POST', '/instances', { instance: { ...fine, flavorRef } })
      expect(body.instance.flavor.id).toBe('2')
    },
  )

  test('without the option default_datastore the only datastore is taken, and of several none', async () => {
    const several = await testApi({ defaultDatastore: undefined })
    expect(await several.ask('alice', 'POST', '/instances', { instance: fine })).toMatchObject({
      status: 400,
      body: { badRequest: { message: 'Please specify datastore. No default datastore is defined.' } },
    })
    const one = await testApi({ defaultDatastore: undefined })
    for (const name of ['postgresql', 'redis']) {
      const datastore = await one.registry.get(name)
      for (const version of await one.registry.versions(datastore?.id ?? ''))
        await one.registry.deleteVersion(version.id)
      await one.registry.deleteDatastore(datastore?.id ?? '')
    }
    expect((await one.ask('alice', 'POST', '/instances', { instance: fine })).status).toBe(200)
  })

  test.each([
    [{ type: 'oracle' }, 404, "Datastore 'oracle' cannot be found."],
    [{ type: 'mysql', version: '9' }, 400, "Datastore 'mysql' has no version '9'."],
    [{ type: 'mysql', version: 'old' }, 400, "Datastore version 'old' is not active."],
    [{ version: '9' }, 400, "Datastore 'mysql' has no version '9'."],
  ])('the datastore %j is refused', async (datastore, status, words) => {
    const { ask } = await testApi()
    const answer = await ask('alice', 'POST', '/instances', { instance: { ...fine, datastore } })
    expect([answer.status, message(answer)]).toEqual([status, words])
  })

  test.each([
    [{ flavorRef: '99' }, 400, 'Resource 99 cannot be found.'],
    [{ flavorRef: undefined }, 400, 'Required element/key - flavorRef was not specified.'],
    [{ volume: undefined }, 400, 'Volume size was not specified.'],
    [{ volume: { size: '0' } }, 400, 'Volume size was not specified.'],
    [{ volume: { size: 11 } }, 413, "Volume 'size' cannot exceed maximum of 10 GB, 11 cannot be accepted."],
    [
      { volume: { size: '9'.repeat(40) } },
      413,
      `Volume 'size' cannot exceed maximum of 10 GB, ${'9'.repeat(40)} cannot be accepted.`,
    ],
    [{ datastore: { type: 'redis' } }, 501, 'Volume support is not enabled.'],
    [
      { datastore: { type: 'redis' }, volume: undefined },
      400,
      'Local storage not specified in flavor ID: 2.',
    ],
    [
      { users: [{ name: 'u', password: 'p', databases: [{ name: 'x1' }] }] },
      400,
      'The request indicates that user u should have access to database x1, but database x1 is not included in the initial databases list.',
    ],
    [
      { databases: [{ name: 'a1' }, { name: 'a1' }] },
      400,
      'Two or more databases share the same name in the initial databases list. Please correct the names or remove the duplicate entries.',
    ],
    [
      {
        users: [
          { name: 'u', password: 'p' },
          { name: 'u', password: 'q', host: '%' },
        ],
      },
      400,
      'Two or more users share the same name and host in the initial users list. Please correct the names or remove the duplicate entries.',
    ],
    [{ users: [{ name: 'root', password: 'p' }] }, 400, "'root' is not a valid user name."],
    [
      { replica_count: 2 },
      400,
      'Replica count only valid when creating replicas. Cannot create 2 instances.',
    ],
    [{ replica_of: 'x' }, 501, 'Creating a replica is not implemented by this service yet.'],
  ])('%j is refused with %i', async (changes, status, words) => {
    const { ask, rpc, db } = await testApi()
    const answer = await ask('alice', 'POST', '/instances', { instance: { ...fine, ...changes } })
    expect([answer.status, message(answer)]).toEqual([status, words])
    expect(rpc.sent).toEqual([])
    expect((await db.instances.list({ limit: 10 })).records).toEqual([])
  })

  test('what the book and today’s client send besides is ignored', async () => {
    const { ask } = await testApi()
    const extra = {
      replica_count: 1,
      region_name: 'x',
      unknown: { a: 1 },
      nics: [{ 'net-id': 'n', 'port-id': 'p' }],
    }
    expect((await ask('alice', 'POST', '/instances', { instance: { ...fine, ...extra } })).status).toBe(200)
  })
})

test('over the quota: 413 naming every resource, and nothing is left behind', async () => {
  const { ask, db } = await testApi({ maxInstancesPerTenant: 1, maxVolumesPerTenant: 1 })
  expect((await ask('alice', 'POST', '/instances', { instance: fine })).status).toBe(200)
  const second = await ask('alice', 'POST', '/instances', { instance: fine })
  expect([second.status, message(second)]).toEqual([
    413,
    "Quota exceeded for resources: ['instances', 'volumes'].",
  ])
  expect((await db.instances.list({ limit: 10 })).records).toHaveLength(1)
})

test('many creates at once take no more than the quota', async () => {
  const { ask, db } = await testApi({ maxInstancesPerTenant: 3 })
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => ask('alice', 'POST', '/instances', { instance: fine })),
  )
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(3)
  expect(answers.filter((answer) => answer.status === 413)).toHaveLength(7)
  const [usage] = (await db.quotas.usages('project-a', {})).filter((one) => one.resource === 'instances')
  expect(usage?.in_use).toBe(3)
})

test('names, passwords and hosts arrive in the task as they were sent, or the create is refused with 400', async () => {
  const { ask, db, unseal } = await testApi({ maxInstancesPerTenant: -1, maxVolumesPerTenant: -1 })
  const tricky = fc.oneof(
    fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }),
    fc.stringMatching(/^[-'"`;\\ %@$a-z\n]{1,12}$/),
    fc.stringMatching(/^-?[a-z]{1,4}[-@ ]?[a-z0-9]{1,4}$/),
  )
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(
      tricky,
      tricky,
      tricky,
      fc.constantFrom('mysql', 'postgresql'),
      async (name, password, database, type) => {
        const users = [{ name, password, databases: [{ name: database }] }]
        const instance = { ...fine, datastore: { type }, databases: [{ name: database }], users }
        const { status, body } = await ask('alice', 'POST', '/instances', { instance })
        if (status === 400) return
        expect(status).toBe(200)
        accepted += 1
        const [task] = await db.tasks.ofInstance(body.instance.id)
        const args = JSON.parse(unseal(task?.args ?? ''))
        expect(args.users[0]).toMatchObject({
          _name: name,
          _password: password,
          _databases: [{ _name: database }],
        })
        expect(args.databases).toEqual([{ _name: database }])
      },
    ),
    { numRuns: 150 },
  )
  expect(accepted).toBeGreaterThan(5)
})
