// Debian's unmodified `trove` of python3-troveclient 8.0.0.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anyUuid, commandsFor, expectCleanLog, type Shown } from './openstack-database-commands.ts'
import { type Service, startService } from './openstack-database-service.ts'

let service: Service
const { json, trove, becomes, used, registerMysql } = commandsFor(() => service)

beforeAll(async () => {
  service = await startService()
  await registerMysql()
})
afterAll(() => service?.stop())

test('shows what there is', async () => {
  expect(await trove('datastore-list')).toEqual([
    ['ID', 'Name'],
    [anyUuid, 'mysql'],
  ])
  expect(await trove('datastore-show mysql')).toContainEqual(['default_version', '9.7'])
  expect(await trove('datastore-version-list mysql')).toEqual([
    ['ID', 'Name'],
    [anyUuid, '9.7'],
  ])
  expect(await trove('datastore-version-show 9.7 --datastore mysql')).toContainEqual(['active', 'True'])
  expect((await trove('flavor-list')).slice(1).toSorted()).toEqual([
    ['1', 'm1.tiny', '512', '1', '1', '0'],
    ['2', 'm1.small', '2048', '1', '20', '0'],
    ['3', 'm1.medium', '4096', '2', '40', '0'],
  ])
  expect(await trove('flavor-show m1.medium')).toContainEqual(['ram', '4096'])
  expect(await trove('limit-list')).toContainEqual(['max_instances', '10'])
  const { id: project } = await json<Shown>('project show admin')
  expect(await trove(`quota-show ${project}`)).toContainEqual(['instances', '0', '0', '10'])
  expect(await trove(`quota-update ${project} instances 9`)).toContainEqual(['instances', '9'])
})

test('creates, uses and restarts an instance', async () => {
  const created = await trove(
    'create t1 1 --size 1 --datastore mysql --datastore_version 9.7 --databases db1 db2 --users u1:pw-secret',
  )
  expect(created).toContainEqual(['status', 'BUILD'])
  expect(created).toContainEqual(['volume', '1'])
  await becomes('t1', 'ACTIVE')
  const shown = await trove('show t1')
  expect(shown).toContainEqual(['status', 'ACTIVE'])
  expect(shown).toContainEqual(['ip', expect.stringMatching(/^198\.18\./)])

  await trove('database-create t1 db3')
  await trove('database-create t1 db4')
  await trove('database-delete t1 db3')
  expect(await trove('database-list t1')).toEqual([['Name'], ['db1'], ['db2'], ['db4']])

  for (const user of ['u.2', 'v%1', 'w@x', '50%']) {
    await trove(`user-create t1 ${user} pw-secret --host 10.0.0.1 --databases db1`)
  }
  const all = (name: string) => [name, '10.0.0.1', 'db1']
  expect((await trove('user-list t1')).slice(1).toSorted()).toEqual(
    [all('u.2'), all('v%1'), all('w@x'), all('50%'), ['u1', '%', 'db1, db2']].toSorted(),
  )
  for (const user of ['u.2', 'v%1', 'w@x', '50%']) {
    const there = `t1 ${user} --host 10.0.0.1`
    await trove(`user-grant-access t1 ${user} db2 --host 10.0.0.1`)
    await trove(`user-revoke-access t1 ${user} db1 --host 10.0.0.1`)
    expect(await trove(`user-show-access ${there}`)).toEqual([['Name'], ['db2']])
    expect(await trove(`user-show ${there}`)).toContainEqual(['name', user])
    await trove(`user-update-attributes ${there} --new_name new-${user}`)
    await trove(`user-delete t1 new-${user} --host 10.0.0.1`)
  }
  expect(await trove('user-list t1')).toHaveLength(2)

  expect(await trove('root-enable t1')).toContainEqual(['name', 'root'])
  await trove('root-disable t1')
  expect(await trove('root-show t1')).toContainEqual(['is_root_enabled', 'True'])
  await trove('restart t1')
  await becomes('t1', 'ACTIVE')
  expect(
    (await trove('list'))
      .slice(1)
      .map(([, name]) => name)
      .toSorted(),
  ).toEqual(['t1'])
})

test('deletes it', async () => {
  await trove('delete t1')
  await expect.poll(() => used(), { timeout: 20_000 }).toMatchObject({ instances: 0, volumes: 0, ram: 0 })
  const { exitCode, stderr } = await service.client.trove('show', 't1')
  expect([exitCode, stderr]).toEqual([1, 'ERROR: b"No instance with a name or ID of \'t1\' exists."\n'])
})

test('the log shows no error, and no password', () => expectCleanLog(service, /pw-secret/))
