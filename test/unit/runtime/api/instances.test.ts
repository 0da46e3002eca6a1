import { describe, expect, test } from 'vitest'
import { INSTANCE_TASKS } from '../../../../runtime/model/instance-task.ts'
import { SERVICE_STATUSES } from '../../../../runtime/model/service-status.ts'
import { testApi } from './support.ts'

const GIB = 1024 ** 3
const message = (answer: { body: Record<string, { message: string }> }) =>
  Object.values(answer.body)[0]?.message

/** An API in which Alice has so many instances. */
async function withInstances(count: number) {
  const api = await testApi({ maxInstancesPerTenant: -1, maxVolumesPerTenant: -1, instancesPageSize: 3 })
  for (let index = 0; index < count; index += 1) await api.running({ name: `m${index}` })
  return api
}

describe('lists', () => {
  test('a project without instances has an empty list', async () => {
    const { ask } = await testApi()
    expect((await ask('alice', 'GET', '/instances')).body).toEqual({ instances: [] })
  })

  test('pages follow each other by the links, in order of id, each instance once', async () => {
    const { ask } = await withInstances(7)
    const ids: string[] = []
    const sizes: number[] = []
    let path: string | undefined = '/instances?include_clustered=False'
    while (path !== undefined) {
      const { body } = await ask('alice', 'GET', path)
      ids.push(...body.instances.map((one: { id: string }) => one.id))
      sizes.push(body.instances.length)
      const href: string | undefined = body.links?.[0].href
      expect(href === undefined || href.startsWith('https://db.example:8779/v1.0/project-a/instances?')).toBe(
        true,
      )
      // As clients do: the marker decoded once, the rest of the link not looked at.
      const marker = href === undefined ? undefined : new URL(href).searchParams.get('marker')
      path = marker === undefined ? undefined : `/instances?marker=${marker}`
    }
    expect(sizes).toEqual([3, 3, 1])
    expect(ids).toEqual([...new Set(ids)].toSorted())
    expect(ids).toHaveLength(7)
  })

  test('a limit is capped at the page size, and the link keeps it and the rest of the query', async () => {
    const { ask } = await withInstances(4)
    expect((await ask('alice', 'GET', '/instances?limit=100')).body.instances).toHaveLength(3)
    const { body } = await ask('alice', 'GET', '/instances?limit=1&include_clustered=True')
    const link = new URL(body.links[0].href)
    expect(body.instances).toHaveLength(1)
    expect(Object.fromEntries(link.searchParams)).toEqual({
      marker: body.instances[0].id,
      limit: '1',
      include_clustered: 'True',
    })
  })

  test('an item carries what a list shows, a detailed one more', async () => {
    const { ask, running } = await testApi()
    const id = await running()
    const [item] = (await ask('alice', 'GET', '/instances')).body.instances
    expect(item).toMatchObject({
      id,
      status: 'ACTIVE',
      operating_status: 'ACTIVE',
      ip: ['127.77.0.2'],
      volume: { size: 1 },
    })
    expect(item).not.toHaveProperty('created')
    const [detail] = (await ask('alice', 'GET', '/instances/detail')).body.instances
    expect(detail).toMatchObject({ id, created: '2026-03-01T12:00:00' })
  })

  test('another project sees none of them', async () => {
    const { ask, running } = await testApi()
    const id = await running()
    expect((await ask('bob', 'GET', '/instances')).body).toEqual({ instances: [] })
    expect((await ask('bob', 'GET', `/instances/${id}`)).status).toBe(404)
  })
})

describe('a view', () => {
  test('leaves out what has no value: no null, no empty list', async () => {
    const { ask } = await testApi()
    const instance = { name: 'r', flavorRef: 'tiny', datastore: { type: 'redis' } }
    const { body } = await ask('alice', 'POST', '/instances', { instance })
    const absent = [
      'volume',
      'ip',
      'addresses',
      'hostname',
      'replicas',
      'replica_of',
      'fault',
      'configuration',
      'cluster_id',
      'local_storage',
    ]
    expect(Object.keys(body.instance).filter((key) => absent.includes(key))).toEqual([])
    expect(Object.values(body.instance)).not.toContain(null)
  })

  test('tells the gigabytes in use as the guest last said them', async () => {
    const { ask, running, db, clock } = await testApi()
    const id = await running()
    const beat = {
      instanceId: id,
      volumeUsedBytes: 0.123 * GIB,
      volumeTotalBytes: GIB,
      sent: clock.now().getTime() / 1000,
    }
    await db.statuses.applyHeartbeats([beat])
    expect((await ask('alice', 'GET', `/instances/${id}`)).body.instance.volume).toEqual({
      size: 1,
      used: 0.12,
      used_percent: 12.3,
    })
  })

  test('says ERROR for a database that was not heard of for too long, while nothing is being done to it', async () => {
    const { ask, running, db, clock } = await testApi()
    const id = await running()
    const beat = {
      instanceId: id,
      serviceCode: SERVICE_STATUSES.HEALTHY.code,
      sent: clock.now().getTime() / 1000,
    }
    await db.statuses.applyHeartbeats([beat])
    const shown = async () => {
      const { status, operating_status } = (await ask('alice', 'GET', `/instances/${id}`)).body.instance
      return [status, operating_status]
    }
    clock.advance(59_000)
    expect(await shown()).toEqual(['HEALTHY', 'HEALTHY'])
    clock.advance(3_000)
    expect(await shown()).toEqual(['ERROR', 'ERROR'])
    await db.instances.update(id, { task_code: INSTANCE_TASKS.REBOOTING.code })
    expect(await shown()).toEqual(['REBOOT', ''])
  })

  test('says what went wrong with a build', async () => {
    const { ask, db } = await testApi()
    const instance = { name: 'm1', flavorRef: 2, volume: { size: 1 } }
    const { id } = (await ask('alice', 'POST', '/instances', { instance })).body.instance
    await db.instances.update(id, { task_code: INSTANCE_TASKS.BUILDING_ERROR_SERVER.code })
    await db.instances.addFault(id, 'No room for the server', 'console …')
    const { body } = await ask('alice', 'GET', `/instances/${id}`)
    expect(body.instance).toMatchObject({
      status: 'ERROR',
      fault: {
        message: 'No room for the server',
        details: 'console …',
        created: expect.stringMatching(/^\d{4}-.{5}T.{8}$/),
      },
    })
  })

  test.each(['m1', 'x', '%00', 'a'.repeat(1000), '00000000-0000-0000-0000-000000000000'])(
    'what is no instance is not found: %s',
    async (name) => {
      const { ask, running } = await testApi()
      await running({ name: 'm1' })
      const answer = await ask('alice', 'GET', `/instances/${name}`)
      expect([answer.status, message(answer)]).toEqual([
        404,
        `Resource ${decodeURIComponent(name)} cannot be found.`,
      ])
    },
  )
})

describe('changing an instance', () => {
  test.each(['PUT', 'PATCH'])('%s renames', async (method) => {
    const { ask, running } = await testApi()
    const id = await running()
    expect(await ask('alice', method, `/instances/${id}`, { instance: { name: 'm2' } })).toMatchObject({
      status: 202,
      body: undefined,
    })
    expect((await ask('alice', 'GET', `/instances/${id}`)).body.instance).toMatchObject({
      name: 'm2',
      status: 'ACTIVE',
    })
  })

  test.each([{}, { configuration: null }, { configuration: '' }])(
    '%j detaches the configuration group, and a restart is due',
    async (instance) => {
      const { ask, running, db } = await testApi()
      const id = await running()
      await db.instances.update(id, { configuration_id: '3226b8e6-fa38-4e23-a4e6-000b639a93d7' })
      expect((await ask('alice', 'GET', `/instances/${id}`)).body.instance.configuration.id).toMatch(/^3226/)
      expect((await ask('alice', 'PUT', `/instances/${id}`, { instance })).status).toBe(202)
      const shown = (await ask('alice', 'GET', `/instances/${id}`)).body.instance
      expect(shown.status).toBe('RESTART_REQUIRED')
      expect(shown).not.toHaveProperty('configuration')
    },
  )

  test.each([{}, { configuration: null }])(
    '%j without a group to detach changes nothing',
    async (instance) => {
      const { ask, running } = await testApi()
      const id = await running()
      const before = (await ask('alice', 'GET', `/instances/${id}`)).body
      expect((await ask('alice', 'PATCH', `/instances/${id}`, { instance })).status).toBe(202)
      expect((await ask('alice', 'GET', `/instances/${id}`)).body).toEqual(before)
    },
  )

  test('a group is not detached in the middle of something else', async () => {
    const { ask, running, db } = await testApi()
    const id = await running()
    const configuration_id = '3226b8e6-fa38-4e23-a4e6-000b639a93d7'
    await db.instances.update(id, { configuration_id, task_code: INSTANCE_TASKS.REBOOTING.code })
    const instance = { configuration: null }
    expect((await ask('alice', 'PUT', `/instances/${id}`, { instance })).status).toBe(422)
    expect((await db.instances.get(id))?.task_code).toBe(INSTANCE_TASKS.REBOOTING.code)
  })

  test('other keys do not touch the group; a view may be sent back as it came', async () => {
    const { ask, running, db } = await testApi()
    const id = await running()
    await db.instances.update(id, { configuration_id: '3226b8e6-fa38-4e23-a4e6-000b639a93d7' })
    const { instance } = (await ask('alice', 'GET', `/instances/${id}`)).body
    expect((await ask('alice', 'PUT', `/instances/${id}`, { instance })).status).toBe(202)
    expect((await ask('alice', 'PUT', `/instances/${id}`, { instance: { name: 'm2' } })).status).toBe(202)
    expect((await ask('alice', 'GET', `/instances/${id}`)).body.instance.configuration.id).toMatch(/^3226/)
    // The book's way to detach: the whole view with a null in it.
    expect(
      (await ask('alice', 'PUT', `/instances/${id}`, { instance: { ...instance, configuration: null } }))
        .status,
    ).toBe(202)
    expect((await ask('alice', 'GET', `/instances/${id}`)).body.instance).not.toHaveProperty('configuration')
  })

  test.each([
    [{ replica_of: null }, 400],
    [{ slave_of: '' }, 400],
    [{ configuration: '3226b8e6-fa38-4e23-a4e6-000b639a93d7' }, 501],
    [{ datastore_version: 'new' }, 501],
    [{ access: { is_public: true } }, 501],
    [{ name: '' }, 400],
    [{ name: '!' }, 400],
  ])('%j is refused with %i, and the name stays', async (changes, status) => {
    const { ask, running } = await testApi()
    const id = await running()
    expect(
      (await ask('alice', 'PUT', `/instances/${id}`, { instance: { name: 'm2', ...changes } })).status,
    ).toBe(status)
    expect((await ask('alice', 'GET', `/instances/${id}`)).body.instance.name).toBe('m1')
  })
})

describe('actions', () => {
  test('restart begins a task, once', async () => {
    const { ask, running, db, rpc } = await testApi()
    const id = await running()
    const answers = await Promise.all(
      [1, 2, 3].map(() => ask('alice', 'POST', `/instances/${id}/action`, { restart: {} })),
    )
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([202, 422, 422])
    expect(message(answers.find((answer) => answer.status === 422) ?? { body: {} })).toBe(
      `Instance ${id} is not currently available for an action to be performed (status was REBOOT).`,
    )
    expect((await db.tasks.ofInstance(id)).map((task) => task.kind)).toEqual(['create_instance', 'restart'])
    expect(rpc.sent.map((one) => one.method)).toEqual(['run_tasks'])
    expect((await ask('alice', 'GET', `/instances/${id}`)).body.instance.status).toBe('REBOOT')
  })

  test.each(['{}', '{"restart":{},"resize":{}}', '{"fly":{}}', '{"__proto__":{}}', '{"constructor":{}}'])(
    '%s is no action: 400',
    async (body) => {
      const { ask, running } = await testApi()
      const answer = await ask('alice', 'POST', `/instances/${await running()}/action`, body)
      expect([answer.status, message(answer)]).toEqual([400, 'Invalid request body.'])
    },
  )

  test.each(['resize', 'promote_to_replica_source', 'eject_replica_source', 'reset_password'])(
    '%s says that it is not there yet',
    async (name) => {
      const { ask, running } = await testApi()
      const answer = await ask('alice', 'POST', `/instances/${await running()}/action`, { [name]: {} })
      expect([answer.status, message(answer)]).toEqual([501, expect.stringContaining('not implemented')])
    },
  )

  test('reset_status is for administrators', async () => {
    const { ask, running } = await testApi()
    const answer = await ask('alice', 'POST', `/instances/${await running()}/action`, { reset_status: {} })
    expect([answer.status, message(answer)]).toEqual([
      403,
      "Policy doesn't allow instance:reset_status to be performed.",
    ])
    const own = await running({ who: 'admin' })
    expect((await ask('admin', 'POST', `/instances/${own}/action`, { reset_status: {} })).status).toBe(202)
    expect((await ask('admin', 'GET', `/instances/${own}`)).body.instance.status).toBe('ERROR')
    expect((await ask('admin', 'DELETE', `/instances/${own}`)).status).toBe(202)
  })
})

describe('delete', () => {
  const usage = async (api: Awaited<ReturnType<typeof testApi>>) =>
    Object.fromEntries((await api.db.quotas.usages('project-a', {})).map((one) => [one.resource, one.in_use]))

  test('gives back the quota once and leaves one task, however often it is asked for', async () => {
    const api = await testApi()
    const { ask, running, db } = api
    const id = await running()
    await running({ name: 'm2' })
    const answers = await Promise.all([1, 2, 3].map(() => ask('alice', 'DELETE', `/instances/${id}`)))
    expect(answers.map((answer) => [answer.status, answer.body])).toEqual(
      [1, 2, 3].map(() => [202, undefined]),
    )
    expect(await usage(api)).toMatchObject({ instances: 1, volumes: 1, ram: 2048 })
    expect((await db.tasks.ofInstance(id)).filter((task) => task.kind === 'delete_instance')).toHaveLength(1)
    expect((await ask('alice', 'GET', `/instances/${id}`)).body.instance.status).toBe('SHUTDOWN')
    await db.instances.softDelete(id)
    expect((await ask('alice', 'DELETE', `/instances/${id}`)).status).toBe(404)
    expect((await ask('alice', 'GET', `/instances/${id}`)).status).toBe(404)
  })

  test('is not undone, and counted once, by an administrator who forces the state', async () => {
    const api = await testApi()
    const { ask, db } = api
    const id = await api.running({ who: 'admin' })
    const inUse = async () => (await db.quotas.usages('project-x', {})).map((one) => one.in_use)
    await ask('admin', 'DELETE', `/instances/${id}`)
    const none = await inUse()
    expect(new Set(none)).toEqual(new Set([0]))
    await api.running({ who: 'admin', name: 'm2' })
    const one = await inUse()
    // What `openstack database instance delete --force` does with a delete that hangs.
    expect((await ask('admin', 'POST', `/instances/${id}/action`, { reset_status: {} })).status).toBe(202)
    expect((await ask('admin', 'DELETE', `/instances/${id}`)).status).toBe(202)
    expect(
      (await ask('admin', 'POST', `/mgmt/instances/${id}/action`, { 'reset-task-status': {} })).status,
    ).toBe(422)
    expect(await inUse()).toEqual(one)
  })

  test('waits for a build to end, good or bad', async () => {
    const { ask, db } = await testApi()
    const instance = { name: 'm1', flavorRef: 2, volume: { size: 1 } }
    const { id } = (await ask('alice', 'POST', '/instances', { instance })).body.instance
    const answer = await ask('alice', 'DELETE', `/instances/${id}`)
    expect([answer.status, message(answer)]).toEqual([422, `Instance ${id} is not ready.`])
    await db.instances.update(id, { task_code: INSTANCE_TASKS.BUILDING_ERROR_VOLUME.code })
    expect((await ask('alice', 'DELETE', `/instances/${id}`)).status).toBe(202)
  })
})

test.each([
  ['mysql', { port: '3306', max_connections: '400', datadir: '/var/lib/mysql' }],
  ['postgresql', { port: '5432', listen_addresses: '*' }],
  ['redis', { port: '6379', bind: '* -::*' }],
])(
  'the default configuration of %s comes from its template, every value as text',
  async (datastore, pairs) => {
    const { ask, running } = await testApi()
    const { status, body } = await ask(
      'alice',
      'GET',
      `/instances/${await running({ datastore })}/configuration`,
    )
    expect(status).toBe(200)
    expect(body.instance.configuration).toMatchObject(pairs)
    expect(Object.values(body.instance.configuration).every((value) => typeof value === 'string')).toBe(true)
  },
)
