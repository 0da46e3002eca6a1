import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { testApi } from './support.ts'

describe('instances of every project', () => {
  test('are listed and shown, deleted ones when asked for', async () => {
    const { ask, running, db } = await testApi()
    const alices = await running()
    const bobs = await running({ who: 'bob' })
    const ids = async (query: string) =>
      (await ask('admin', 'GET', `/mgmt/instances${query}`)).body.instances.map(
        (one: { id: string }) => one.id,
      )
    expect(await ids('?deleted=False&include_clustered=False')).toEqual([alices, bobs].toSorted())
    expect(await ids('?project_id=project-b')).toEqual([bobs])
    await db.instances.softDelete(bobs)
    expect(await ids('?deleted=True')).toEqual([bobs])
    expect(await ids('')).not.toContain(bobs)
    expect((await ask('admin', 'GET', `/mgmt/instances/${alices}`)).body.instance).toMatchObject({
      id: alices,
      tenant_id: 'project-a',
      deleted: false,
      deleted_at: null,
      service_status: 'ACTIVE',
      guest_status: { state_description: 'running' },
      task_description: 'No tasks for the instance.',
      root_enabled: 'Never',
      root_enabled_by: 'Nobody',
    })
  })

  test('can be rebooted, stopped and set free', async () => {
    const { ask, running, db, rpc } = await testApi()
    const id = await running()
    const act = async (body: object) =>
      (await ask('admin', 'POST', `/mgmt/instances/${id}/action`, body)).status
    expect(await act({ stop: {} })).toBe(202)
    expect(rpc.sent.at(-1)).toMatchObject({ queue: `guestagent.${id}`, method: 'stop_db' })
    expect(await act({ reboot: {} })).toBe(202)
    expect((await db.tasks.ofInstance(id)).at(-1)?.kind).toBe('reboot')
    expect(await act({ reboot: {} })).toBe(422)
    expect(await act({ 'reset-task-status': {} })).toBe(202)
    expect((await ask('alice', 'GET', `/instances/${id}`)).body.instance.status).toBe('ACTIVE')
    expect(await act({ migrate: {} })).toBe(501)
    expect(await act({ restart: {} })).toBe(400)
    expect(await act({})).toBe(400)
  })

  test('tell about their machine and their root', async () => {
    const { ask, running, rpc } = await testApi()
    const id = await running()
    const get = (what: string) => ask('admin', 'GET', `/mgmt/instances/${id}/${what}`)
    rpc.answer = () => ({ mem_total: 2048, num_cpus: 1 })
    expect((await get('hwinfo')).body).toEqual({ hwinfo: { mem_total: 2048, num_cpus: 1 } })
    rpc.answer = () => ({ version: '1', threads: 3 })
    expect((await get('diagnostics')).body).toEqual({ diagnostics: { version: '1', threads: 3 } })
    rpc.answer = () => true
    expect(await get('rpc_ping')).toMatchObject({ status: 204, body: undefined })
    expect((await get('root')).body).toEqual({ root_history: { id, enabled: 'Never', user: 'Nobody' } })
    rpc.answer = () => ({ _name: 'root', _password: 'p' })
    await ask('alice', 'POST', `/instances/${id}/root`)
    expect((await get('root')).body).toEqual({
      root_history: { id, enabled: '2026-03-01T12:00:00', user: 'alice' },
    })
  })
})

test('a security group is shown, opened and closed; each change is left for the task manager', async () => {
  const { ask, running, db, clock } = await testApi()
  const instance = await running()
  const id = randomUUID()
  const created = clock.now()
  const group = {
    id,
    name: 'SecGroup',
    description: 'd',
    tenant_id: 'project-a',
    instance_id: instance,
    created,
    updated: created,
    rules: [],
  }
  await db.securityGroups.create(group)
  const add = (cidr: string) =>
    ask('alice', 'POST', '/security-group-rules', { security_group_rule: { group_id: id, cidr } })
  const { status, body } = await add('10.0.0.0/8')
  expect(status).toBe(201)
  const [rule] = body.security_group_rule
  expect(body.security_group_rule).toEqual([
    {
      id: rule.id,
      security_group_id: id,
      protocol: 'tcp',
      from_port: 3306,
      to_port: 3306,
      cidr: '10.0.0.0/8',
      created: '2026-03-01T12:00:00',
    },
  ])
  expect((await add('10.0.0.0/33')).status).toBe(400)
  expect((await add('nonsense!')).status).toBe(400)
  const shown = (await ask('alice', 'GET', `/security-groups/${id}`)).body.security_group
  expect(shown.rules).toEqual([
    { id: rule.id, protocol: 'tcp', from_port: 3306, to_port: 3306, cidr: '10.0.0.0/8' },
  ])
  // This family alone links by the request's own scheme.
  expect(shown.links).toEqual([
    { rel: 'self', href: `http://db.example:8779/v1.0/project-a/security-groups/${id}` },
  ])
  expect(await ask('alice', 'DELETE', `/security-group-rules/${rule.id}`)).toMatchObject({
    status: 204,
    body: undefined,
  })
  expect((await ask('alice', 'DELETE', `/security-group-rules/${rule.id}`)).status).toBe(404)
  expect((await db.tasks.ofInstance(instance)).map((task) => task.kind)).toEqual([
    'create_instance',
    'apply_security_rules',
    'apply_security_rules',
  ])
})

test('a security group takes a hundred rules; what is refused changes nothing and leaves no task', async () => {
  const { ask, running, db, clock } = await testApi()
  const instance = await running()
  const [id, created] = [randomUUID(), clock.now()]
  const rule = { group_id: id, protocol: 'tcp', from_port: 3306, to_port: 3306, cidr: '10.0.0.0/8', created }
  const rules = Array.from({ length: 99 }, () => ({ ...rule, id: randomUUID() }))
  const names = { name: 'SecGroup', description: 'd', tenant_id: 'project-a', instance_id: instance }
  await db.securityGroups.create({ id, ...names, created, updated: created, rules })
  const add = () =>
    ask('alice', 'POST', '/security-group-rules', {
      security_group_rule: { group_id: id, cidr: '10.0.0.0/8' },
    })
  expect((await add()).status).toBe(201)
  const tasks = (await db.tasks.ofInstance(instance)).length
  expect(await add()).toMatchObject({
    status: 413,
    body: { overLimit: { message: "Quota exceeded for resources: ['security_group_rules']." } },
  })
  expect((await db.securityGroups.get(id))?.rules).toHaveLength(100)
  expect(await db.tasks.ofInstance(instance)).toHaveLength(tasks)
})
