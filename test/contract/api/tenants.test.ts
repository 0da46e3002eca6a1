import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { type TestApi, testApi } from '../../unit/runtime/api/support.ts'
import { pathOf, tenantOperations } from './operations.ts'

const operations = await tenantOperations()

/** Alice's objects: a running instance with users and databases, and its security group. */
async function aliceHas({ running, db, rpc, clock }: TestApi) {
  const instance = await running()
  rpc.answer = (method) => (method.startsWith('list_') ? [[], null] : null)
  const group = randomUUID()
  const rule = randomUUID()
  const created = clock.now()
  await db.securityGroups.create({
    id: group,
    name: 'SecGroup',
    description: '',
    tenant_id: 'project-a',
    instance_id: instance,
    created,
    updated: created,
    rules: [
      {
        id: rule,
        group_id: group,
        protocol: 'tcp',
        from_port: 3306,
        to_port: 3306,
        cidr: '0.0.0.0/0',
        created,
      },
    ],
  })
  return { instance, group, rule }
}

/** Whose id the `{id}` of a path is. */
const idFor = (path: string, ids: { instance: string; group: string; rule: string }) => {
  if (path.includes('/security-groups/')) return ids.group
  if (path.includes('/security-group-rules/')) return ids.rule
  return ids.instance
}

test('the document has the operations that this suite is made from', () => {
  expect(operations.length).toBeGreaterThan(55)
  expect(operations.filter((one) => one.path.includes('/instances/{id}')).length).toBeGreaterThan(25)
})

test('every object of another project is not found, on every route', async () => {
  const api = await testApi()
  const ids = await aliceHas(api)
  const before = await api.db.instances.get(ids.instance)
  const about = operations.filter((one) => one.path.includes('{id}') && !one.isAdminOnly)
  const wrong: string[] = []
  for (const operation of about) {
    const path = pathOf(operation, { id: idFor(operation.path, ids) })
    const { status } = await api.ask('bob', operation.method, path, operation.example)
    if (status !== 404) wrong.push(`${operation.method} ${operation.path}: ${status}`)
  }
  expect(wrong).toEqual([])
  expect(about.length).toBeGreaterThan(30)
  // A rule for a group of somebody else names the group in its body.
  const rule = { security_group_rule: { group_id: ids.group, cidr: '10.0.0.0/8' } }
  expect((await api.ask('bob', 'POST', '/security-group-rules', rule)).status).toBe(404)
  expect((await api.ask('bob', 'GET', '/security-groups')).body).toEqual({ security_groups: [] })
  // And nothing of it reached the guest, the task manager or the rows.
  expect(api.rpc.sent).toEqual([])
  expect(await api.db.instances.get(ids.instance)).toEqual(before)
  expect(await api.db.tasks.ofInstance(ids.instance)).toHaveLength(1)
  expect((await api.db.securityGroups.get(ids.group))?.rules).toHaveLength(1)
})

test('the same routes answer their owner', async () => {
  const api = await testApi()
  const ids = await aliceHas(api)
  const path = `/instances/${ids.instance}`
  for (const own of [
    path,
    `${path}/users`,
    `${path}/databases`,
    `${path}/root`,
    `/security-groups/${ids.group}`,
  ]) {
    expect((await api.ask('alice', 'GET', own)).status).toBe(200)
  }
})

test('the URL of another project is forbidden, on every route', async () => {
  const api = await testApi()
  for (const operation of operations) {
    const url = `//v1.0/project-a${pathOf(operation, { id: randomUUID() })}`
    for (const who of ['bob', 'admin']) {
      expect([operation, (await api.ask(who, operation.method, url, operation.example)).status]).toEqual([
        operation,
        403,
      ])
    }
  }
})

test('without a token every route answers 401', async () => {
  const api = await testApi()
  for (const operation of operations) {
    const { status } = await api.ask('', operation.method, pathOf(operation, {}), operation.example)
    expect([operation, status]).toEqual([operation, 401])
  }
})

test("administrators' routes answer members with 401, whatever they ask for", async () => {
  const api = await testApi()
  const admins = operations.filter((one) => one.isAdminOnly)
  expect(admins.length).toBeGreaterThan(10)
  for (const operation of admins) {
    for (const body of [operation.example, undefined]) {
      const { status } = await api.ask('alice', operation.method, pathOf(operation, {}), body)
      expect([operation, status]).toEqual([operation, 401])
    }
  }
})
