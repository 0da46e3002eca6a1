// Databases, users and root of an instance, by Debian's unmodified openstack client. A page holds three of them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commandsFor, expectCleanLog } from './openstack-database-commands.ts'
import { type Service, startService } from './openstack-database-service.ts'

let service: Service
const { openstack, json, refusal, idOf, becomes, registerMysql } = commandsFor(() => service)

beforeAll(async () => {
  service = await startService()
  await registerMysql()
  await openstack('database instance create m1 --flavor 1 --size 1 --databases shop stock --users ann:pw-ann')
  await becomes('m1', 'ACTIVE')
})
afterAll(() => service?.stop())

describe('databases', () => {
  test('are created, listed over several pages and deleted', async () => {
    for (const name of ['x', 'with-dash', 'a#b', 'two words']) {
      await openstack('database db create m1', name)
    }
    await openstack('database db create m1 bin --character_set utf8mb4 --collate utf8mb4_bin')
    const names = ['a#b', 'bin', 'shop', 'stock', 'two words', 'with-dash', 'x']
    expect(await json('database db list m1')).toEqual(names.map((Name) => ({ Name })))
    expect(await json(`database db list ${await idOf('m1')}`)).toHaveLength(7)
    for (const name of ['two words', 'with-dash', 'x']) await openstack('database db delete m1', name)
    expect(await json('database db list m1')).toHaveLength(4)
  })

  test('are refused with a reason', async () => {
    expect(await refusal('database db create m1 shop')).toBe(
      'A database with the name "shop" already exists. (HTTP 400)',
    )
    expect(await refusal('database db delete m1 nothing')).toBe(
      'Failed to delete database nothing: Database nothing cannot be found on the instance. (HTTP 404)',
    )
    expect(await refusal('database db create m1 mysql')).toBe(
      "'mysql' is not a valid database name. (HTTP 400)",
    )
    expect(await refusal('database db create m1 d --character_set klingon')).toBe(
      "'klingon' not a valid character set. (HTTP 400)",
    )
  })
})

// The client takes what follows the last @ for a host: a user with an @ in the name is spoken of with --host.
const NAMES = ['a.b.c', '50%off', 'x%', '-n', 'two words', 'zoë', 'o=1&p=2#3?']

describe('users', () => {
  test('may have dots, at-signs, blanks and per cents in their names', async () => {
    for (const name of NAMES) {
      await openstack('database user create m1 --databases shop --', name, 'pw-secret')
    }
    await openstack('database user create m1 amy@example.com pw-secret --host 10.0.%')
    await openstack(
      'database user create m1 amy@example.com pw-secret --host 10.1.2.3 --databases shop stock',
    )
    for (const name of NAMES) {
      expect(await json('database user show m1 --', name)).toEqual({
        name,
        host: '%',
        databases: [{ name: 'shop' }],
      })
    }
    expect(await json('database user show m1 amy@example.com --host 10.0.%')).toEqual({
      name: 'amy@example.com',
      host: '10.0.%',
      databases: [],
    })
  })

  test('are listed over several pages, whatever their names', async () => {
    const users = [
      ...NAMES.map((Name) => ({ Name, Host: '%', Databases: 'shop' })),
      { Name: 'ann', Host: '%', Databases: 'shop, stock' },
      { Name: 'amy@example.com', Host: '10.0.%', Databases: '' },
      { Name: 'amy@example.com', Host: '10.1.2.3', Databases: 'shop, stock' },
    ]
    // By id: for a second page the client puts its argument into the URL as it stands.
    const listed = await json<{ Name: string; Host: string }[]>(`database user list ${await idOf('m1')}`)
    const key = ({ Name, Host }: { Name: string; Host: string }) => `${Name}@${Host}`
    expect(listed.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))).toEqual(
      users.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)),
    )
  })

  test('are granted access to databases, and lose it', async () => {
    const user = 'm1 amy@example.com --host 10.0.%'
    await openstack(`database user grant access ${user} shop stock`)
    expect(await json(`database user show access ${user}`)).toEqual([{ Name: 'shop' }, { Name: 'stock' }])
    await openstack(`database user revoke access ${user} shop`)
    expect(await json(`database user show access ${user}`)).toEqual([{ Name: 'stock' }])
    expect(await json('database user show access m1 amy@example.com --host 10.1.2.3')).toHaveLength(2)
    await openstack('database user revoke access m1 50%off shop')
    expect(await json('database user show access m1 50%off')).toEqual([])
    expect(await refusal('database user grant access m1 nobody shop')).toBe(
      'User nobody cannot be found on the instance. (HTTP 404)',
    )
  })

  test('get another name, host and password', async () => {
    await openstack(
      'database user update attributes m1 a.b.c --new_name d.e@f --new_host 10.9.8.7 --new_password pw-secret2',
    )
    expect(await json('database user show m1 d.e@f --host 10.9.8.7')).toEqual({
      name: 'd.e@f',
      host: '10.9.8.7',
      databases: [{ name: 'shop' }],
    })
    expect(await refusal('database user show m1 a.b.c')).toBe(
      'User a.b.c cannot be found on the instance. (HTTP 404)',
    )
  })

  test('are deleted', async () => {
    await openstack('database user delete m1 d.e@f --host 10.9.8.7')
    for (const name of NAMES.filter((each) => each !== 'a.b.c')) {
      await openstack('database user delete m1 --', name)
    }
    await openstack('database user delete m1 amy@example.com --host 10.0.%')
    await openstack('database user delete m1 amy@example.com --host 10.1.2.3')
    expect(await json('database user list m1')).toEqual([
      { Name: 'ann', Host: '%', Databases: 'shop, stock' },
    ])
  })

  test('are refused with a reason', async () => {
    expect(await refusal('database user create m1 ann other')).toBe(
      'A user with the name "ann" already exists. (HTTP 400)',
    )
    expect(await refusal('database user create m1 root other')).toBe(
      "'root' is not a valid user name. (HTTP 400)",
    )
    // In a URL, which Trove decodes twice, it would stand for another user.
    expect(await refusal('database user create m1 x%41 other')).toBe(
      "'x%41' is not a valid user name. (HTTP 400)",
    )
    expect(await refusal('database user create m1 ben other --host nowhere')).toBe(
      "'nowhere' is not a valid hostname. (HTTP 400)",
    )
    expect(await refusal('database user delete m1 nobody')).toBe(
      'Failed to delete user nobody: User nobody cannot be found on the instance. (HTTP 404)',
    )
  })
})

describe('root', () => {
  test('is enabled, shown, enabled with a password of its own, and disabled', async () => {
    expect(await json('database root show m1')).toEqual({ is_root_enabled: false })
    expect(await refusal('database root disable m1')).toBe(
      'Root user has never been enabled on the instance. (HTTP 404)',
    )
    expect(await json('database root enable m1')).toEqual({
      name: 'root',
      password: expect.stringMatching(/^\S{16,}$/),
    })
    expect(await json('database root enable m1', '--root_password', `it's "mine"`)).toEqual({
      name: 'root',
      password: `it's "mine"`,
    })
    expect(await json(`database root show ${await idOf('m1')}`)).toEqual({ is_root_enabled: true })
    await openstack('database root disable m1')
    // The question is whether it ever was.
    expect(await json('database root show m1')).toEqual({ is_root_enabled: true })
  })
})

test('the log shows no error, and no password', () => expectCleanLog(service, /pw-(ann|secret)|it's/))
