// The book's third chapter (Trove, chapter 3), step by step, against real engines in real guests.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, mysql, psql, redis, type SqlClient } from './instance-clients.ts'
import { type InstanceService, instanceService, until } from './instance-service.ts'
import { builtImage } from './shared-images.ts'
import { column, properties, readTable, type Table } from './trove-table.ts'

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/

/** Everything that a password may be made of, and everything that a careless quoting trips over. */
const ODD_PASSWORD = '-p w"\'`\\;%s$(id) -- é漢🔑'

interface Engine {
  readonly name: string
  readonly version: RegExp
  readonly flavor: string
  readonly client: SqlClient
  readonly superuser: string
  /** What tells a query that it came over TLS. */
  readonly secure: { readonly sql: string; readonly answer: RegExp }
  readonly refused: { readonly database: RegExp; readonly login: RegExp }
  readonly users: { readonly taken: readonly string[]; readonly refused: readonly string[] }
  readonly databases: { readonly taken: readonly string[]; readonly refused: readonly string[] }
  readonly currentUser: string
}

const MYSQL_FAMILY = {
  client: mysql,
  superuser: 'root',
  secure: { sql: "SHOW STATUS LIKE 'Ssl_cipher'", answer: /^Ssl_cipher\tTLS_/ },
  refused: {
    database: /^ERROR 1044 \(42000\): Access denied for user 'user3'@'%' to database 'chapter_3_db_2'/,
    login: /^ERROR 1045 \(28000\): Access denied for user '.*' \(using password: YES\)/,
  },
  users: {
    taken: ['50%_off', '--opt=é', '漢 x@y'],
    refused: ["o'x", 'a"b', 'a`b', 'a\\b', 'a\nb', '🔑', ' a', ''],
  },
  databases: { taken: ['-dash', 'a_b', 'axb'], refused: ['a`b', '100%', 'a\nb', 'é', '../mysql', 'mysql'] },
  currentUser: "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@%', 1)",
} as const

const ENGINES: readonly Engine[] = [
  { ...MYSQL_FAMILY, name: 'mysql', version: /^9\.\d+/, flavor: '2' },
  { ...MYSQL_FAMILY, name: 'mariadb', version: /^10\.11/, flavor: '1' },
  {
    name: 'postgresql',
    version: /^15/,
    flavor: '1',
    client: psql,
    superuser: 'postgres',
    secure: { sql: 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()', answer: /^t$/ },
    refused: {
      database: /FATAL: {2}permission denied for database "chapter_3_db_2"/,
      login: /FATAL: {2}password authentication failed for user/,
    },
    users: {
      taken: ['50%_off', '--opt=é', `it's "x" \\ ;漢 🔑`],
      refused: ['a\nb', 'a/b', ' a', '', 'pg_x', 'postgres'],
    },
    databases: {
      taken: ['-dash', 'a_b', 'axb', `it's "x" \\ ;100% 🔑`],
      refused: ['a\nb', 'a/b', '', 'template1'],
    },
    currentUser: 'SELECT current_user',
  },
]

const DATASTORES = [...ENGINES.map(({ name }) => name), 'redis']

/** Properties of an instance in the book's tables, before and while it runs. */
const CREATED = [
  'created',
  'datastore',
  'datastore_version',
  'flavor',
  'id',
  'name',
  'status',
  'updated',
  'volume',
]
const RUNNING = [...CREATED, 'ip', 'volume_used'].toSorted()

let service: InstanceService
/** What each `trove create --wait` printed. Two guests boot at a time while the sessions go on. */
const creations = new Map<string, Promise<Table>>()

beforeAll(async () => {
  for (const datastore of DATASTORES) await builtImage(datastore)
  service = await instanceService(79)
  await service.up()
  const creates = ENGINES.map(({ name, flavor }): readonly [string, string[]] => {
    const words = ['create', `${name}-1`, flavor, '--size', '1', '--datastore', name]
    const databases = ['--databases', 'chapter_3_db_1', 'chapter_3_db_2']
    const users = ['--users', 'user1:password1', 'user2:password2']
    return [name, [...words, ...databases, ...users, '--wait']]
  })
  creates.push(['redis', ['create', 'redis-1', '1', '--size', '1', '--datastore', 'redis']])
  let turns: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()]
  for (const [name, words] of creates) {
    const [turn, ...others] = turns
    const made = Promise.resolve(turn).then(() => service.table(...words))
    creations.set(name, made)
    turns = [...others, made.catch(() => undefined)]
  }
})
afterAll(async () => {
  await Promise.allSettled(creations.values())
  await service?.end()
})

async function succeeds(...args: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await service.trove(...args)
  expect([args, exitCode, stdout, stderr]).toEqual([args, 0, '', ''])
}

async function isRefused(message: RegExp, ...args: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await service.trove(...args)
  expect([args, exitCode, stdout]).toEqual([args, 1, ''])
  expect(stderr).toMatch(message)
}

/** What the create of a datastore printed. */
async function created(datastore: string) {
  const table = await creations.get(datastore)
  if (table === undefined) throw new Error('nothing was created')
  return properties(table)
}

const show = async (name: string) => properties(await service.table('show', name))

/** Deleted, gone for `show`, and silent at its address. */
async function deleted(name: string, connect: () => Promise<Answer>): Promise<void> {
  const done = await service.trove('delete', name, '--wait')
  expect([done.exitCode, done.stdout]).toEqual([0, ''])
  expect(done.stderr).toContain(`Request to delete instance ${name} has been accepted.\n`)
  const { exitCode: gone, stdout: nothing, stderr } = await service.trove('show', name)
  expect([gone, nothing, stderr]).toEqual([
    1,
    '',
    `ERROR: No instance with a name or ID of '${name}' exists.\n`,
  ])
  expect((await connect()).exitCode).not.toBe(0)
}

test('datastore-list, datastore-version-list, flavor-list', async () => {
  const datastores = await service.table('datastore-list')
  expect(datastores.titles).toEqual(['ID', 'Name'])
  expect(column(datastores, 'Name').toSorted()).toEqual(DATASTORES.toSorted())
  for (const id of column(datastores, 'ID')) expect(id).toMatch(ID)
  for (const { name, version } of ENGINES) {
    const versions = await service.table('datastore-version-list', name)
    expect(versions.titles).toEqual(['ID', 'Name'])
    expect(column(versions, 'Name')).toEqual([expect.stringMatching(version)])
  }
  const flavors = await service.table('flavor-list')
  expect(flavors.titles.slice(0, 3)).toEqual(['ID', 'Name', 'RAM'])
  expect(flavors.rows.map((row) => row.slice(0, 3))).toContainEqual(['2', 'm1.small', '2048'])
})

describe.each(ENGINES)('$name', (engine) => {
  const name = `${engine.name}-1`
  const { client, superuser } = engine
  let host = ''
  const as = (user: string, password: string, database = 'chapter_3_db_1') => ({
    host,
    user,
    password,
    database,
  })
  const rows = async (login: Parameters<SqlClient>[0], sql: string) => {
    const { exitCode, rows: found, stderr } = await client(login, sql)
    expect([sql, exitCode], stderr).toEqual([sql, 0])
    return found
  }
  const users = () => service.table('user-list', name)
  const access = async (user: string) => column(await service.table('user-show-access', name, user), 'Name')

  test('create with databases and users, list, show', async () => {
    const made = await created(engine.name)
    expect(Object.keys(made)).toEqual(RUNNING)
    expect(made).toMatchObject({
      name,
      datastore: engine.name,
      datastore_version: expect.stringMatching(engine.version),
      flavor: engine.flavor,
      volume: '1',
      status: 'ACTIVE',
      id: expect.stringMatching(ID),
      created: expect.stringMatching(TIME),
      updated: expect.stringMatching(TIME),
      ip: expect.stringMatching(/^127\.79\.0\.\d+$/),
    })
    host = made.ip ?? ''
    const { volume_used: used, updated: _, ...same } = await show(made.id ?? '')
    expect(made).toMatchObject(same)
    expect(Number(used)).toBeGreaterThan(0)
    expect(Number(used)).toBeLessThan(1)
    const list = await service.table('list')
    expect(list.titles).toEqual([
      'ID',
      'Name',
      'Datastore',
      'Datastore Version',
      'Status',
      'Flavor ID',
      'Size',
    ])
    const version = made.datastore_version ?? ''
    expect(list.rows).toContainEqual([
      made.id ?? '',
      name,
      engine.name,
      version,
      'ACTIVE',
      engine.flavor,
      '1',
    ])
  })

  test('a user of the create gets in, over TLS', async () => {
    expect((await rows(as('user1', 'password1'), 'SELECT VERSION()'))[0]).toMatch(/\d+\.\d+/)
    expect((await rows(as('user2', 'password2', 'chapter_3_db_2'), engine.secure.sql))[0]).toMatch(
      engine.secure.answer,
    )
    expect((await client(as('user1', 'password2'), 'SELECT 1')).stderr).toMatch(engine.refused.login)
    await rows(
      as('user1', 'password1'),
      "CREATE TABLE kept (v varchar(20)); INSERT INTO kept VALUES ('it is here')",
    )
  })

  test('database-list, database-create, database-delete', async () => {
    const names = async () => column(await service.table('database-list', name), 'Name')
    expect(await names()).toEqual(['chapter_3_db_1', 'chapter_3_db_2'])
    await succeeds('database-create', name, 'chapter_3_db')
    expect(await names()).toEqual(['chapter_3_db', 'chapter_3_db_1', 'chapter_3_db_2'])
    await succeeds('database-delete', name, 'chapter_3_db')
    expect(await names()).toEqual(['chapter_3_db_1', 'chapter_3_db_2'])
  })

  test('user-list, user-create; the engine keeps the user out of other databases', async () => {
    const both = 'chapter_3_db_1, chapter_3_db_2'
    const before = await users()
    expect(before.titles).toEqual(['Name', 'Host', 'Databases'])
    expect(before.rows).toEqual([
      ['user1', '%', both],
      ['user2', '%', both],
    ])
    await succeeds('user-create', name, 'user3', 'password3', '--databases', 'chapter_3_db_1')
    expect((await users()).rows).toEqual([...before.rows, ['user3', '%', 'chapter_3_db_1']])
    expect(await rows(as('user3', 'password3'), 'SELECT 1')).toEqual(['1'])
    const other = await client(as('user3', 'password3', 'chapter_3_db_2'), 'SELECT 1')
    expect(other.exitCode).not.toBe(0)
    expect(other.stderr).toMatch(engine.refused.database)
  })

  test('user-show-access, user-grant-access, user-revoke-access', async () => {
    const there = as('user3', 'password3', 'chapter_3_db_2')
    expect(await access('user3')).toEqual(['chapter_3_db_1'])
    await succeeds('user-grant-access', name, 'user3', 'chapter_3_db_2')
    expect(await access('user3')).toEqual(['chapter_3_db_1', 'chapter_3_db_2'])
    expect(await rows(there, 'CREATE TABLE mine (v int); SELECT 1')).toEqual(['1'])
    await succeeds('user-revoke-access', name, 'user3', 'chapter_3_db_2')
    expect(await access('user3')).toEqual(['chapter_3_db_1'])
    expect((await client(there, 'SELECT 1')).stderr).toMatch(engine.refused.database)
  })

  test('user-delete: who is deleted is refused', async () => {
    await succeeds('user-delete', name, 'user3')
    expect(column(await users(), 'Name')).toEqual(['user1', 'user2'])
    expect((await client(as('user3', 'password3'), 'SELECT 1')).stderr).toMatch(engine.refused.login)
    await isRefused(/^ERROR: .*user3.* \(HTTP 404\)\n$/, 'user-delete', name, 'user3')
  })

  test('names and passwords of every character arrive as typed, or not at all', async () => {
    const { users: names, databases } = engine
    for (const database of databases.taken) await succeeds('database-create', name, '--', database)
    const [first = ''] = databases.taken
    for (const user of names.taken)
      await succeeds('user-create', name, '--databases', 'chapter_3_db_1', '--', user, ODD_PASSWORD)
    for (const database of databases.refused)
      await isRefused(/\(HTTP 400\)/, 'database-create', name, '--', database)
    for (const user of names.refused)
      await isRefused(/\(HTTP 400\)/, 'user-create', name, '--', user, 'password')
    await isRefused(/\(HTTP 400\)/, 'user-create', name, 'user6', 'pass\nword')

    const listed = await service.json<{ name: string }[]>('database-list', name)
    const standard = ['chapter_3_db_1', 'chapter_3_db_2']
    expect(listed.map((each) => each.name).toSorted()).toEqual([...standard, ...databases.taken].toSorted())
    const known = await service.json<{ name: string }[]>('user-list', name)
    expect(known.map((each) => each.name).toSorted()).toEqual(['user1', 'user2', ...names.taken].toSorted())

    for (const user of names.taken) {
      expect(await rows(as(user, ODD_PASSWORD), engine.currentUser)).toEqual([user])
      await succeeds('user-grant-access', name, '--', user, first, 'a_b')
      for (const database of [first, 'a_b'])
        expect(await rows(as(user, ODD_PASSWORD, database), 'SELECT 1')).toEqual(['1'])
      // The underscore is no wildcard.
      expect((await client(as(user, ODD_PASSWORD, 'axb'), 'SELECT 1')).exitCode).not.toBe(0)
      await succeeds('user-delete', name, '--', user)
      expect((await client(as(user, ODD_PASSWORD), 'SELECT 1')).stderr).toMatch(engine.refused.login)
    }
    for (const database of databases.taken) await succeeds('database-delete', name, '--', database)
    expect(column(await service.table('database-list', name), 'Name')).toEqual(standard)
  })

  test('root-show, root-enable: the printed password gets in', async () => {
    const enabled = async () => properties(await service.table('root-show', name))
    expect(await enabled()).toEqual({ is_root_enabled: 'False' })
    const [one, two] = [await rootEnable(), await rootEnable()]
    expect(await enabled()).toEqual({ is_root_enabled: 'True' })
    const enter = (password: string) => client(as(superuser, password, ''), 'SELECT 1')
    expect((await enter(one)).stderr).toMatch(engine.refused.login)
    expect((await enter(two)).rows).toEqual(['1'])

    async function rootEnable(): Promise<string> {
      const { name: user, password = '' } = properties(await service.table('root-enable', name))
      expect([user, password.length]).toEqual([superuser, 36])
      return password
    }
  })

  test('restart --wait: the data is there', async () => {
    const { stderr, exitCode } = await service.trove('restart', name, '--wait')
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/REBOOT.*ACTIVE/s)])
    expect((await show(name)).status).toBe('ACTIVE')
    expect(await rows(as('user1', 'password1'), 'SELECT v FROM kept')).toEqual(['it is here'])
  })

  test('delete --wait, and it is gone', () =>
    deleted(name, () => client(as('user1', 'password1'), 'SELECT 1')))
})

describe('redis', () => {
  const name = 'redis-1'
  let host = ''

  test('create prints the instance in BUILD; some seconds later it is ACTIVE', async () => {
    const made = await created('redis')
    expect(Object.keys(made)).toEqual(CREATED)
    expect(made).toMatchObject({ name, datastore: 'redis', flavor: '1', status: 'BUILD', volume: '1' })
    const shown = await until(
      'ACTIVE',
      () => show(name),
      ({ status }) => status !== 'BUILD',
      { pauseMs: 1000 },
    )
    expect(shown.status).toBe('ACTIVE')
    host = shown.ip ?? ''
  })

  test('answers nobody without the password that root-enable prints', async () => {
    expect((await redis(host, '', 'PING')).rows.join()).toMatch(/NOAUTH/)
    expect(properties(await service.table('root-show', name))).toEqual({ is_root_enabled: 'False' })
    const { password = '' } = properties(await service.table('root-enable', name))
    expect(properties(await service.table('root-show', name))).toEqual({ is_root_enabled: 'True' })
    expect((await redis(host, password, 'SET', 'kept', 'it is here')).rows).toEqual(['OK'])
    expect((await service.trove('restart', name, '--wait')).exitCode).toBe(0)
    expect((await redis(host, password, 'GET', 'kept')).rows).toEqual(['it is here'])
  })

  test('has neither databases nor users, and says so', async () => {
    const commands = [
      `database-list ${name}`,
      `database-create ${name} a`,
      `user-list ${name}`,
      `user-create ${name} a b`,
      `user-show-access ${name} a`,
    ]
    for (const command of commands)
      await isRefused(/^ERROR: .*not supported.*\(HTTP \d+\)\n$/i, ...command.split(' '))
  })

  test('delete --wait, and it is gone', async () => {
    await deleted(name, () => redis(host, '', 'PING'))
    const list = readTable((await service.trove('list')).stdout)
    expect(list.rows).toEqual([])
    expect(await service.used()).toEqual({ backups: 0, instances: 0, ram: 0, volumes: 0 })
  })
})
