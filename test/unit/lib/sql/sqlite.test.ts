import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSql, type Sql } from '../../../../lib/sql/index.ts'

interface Tables {
  readonly t: { readonly id: number; readonly note: string | null }
}

let directory = ''
const opened: Sql<Tables>[] = []
const open = async (name: string) => {
  const database = await openSql<Tables>(`sqlite://${join(directory, name)}`)
  opened.push(database)
  return database
}
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-sql-'))
})
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
  await rm(directory, { recursive: true, force: true })
})

test('the file and its companions are for this account only', async () => {
  const database = await open('deep/down/x.sqlite')
  await sql`create table t (id integer primary key, note text)`.execute(database.db)
  for (const suffix of ['', '-wal', '-shm']) {
    const { mode } = await stat(join(directory, `deep/down/x.sqlite${suffix}`))
    expect(mode & 0o777).toBe(0o600)
  }
})

test('what was acknowledged is on the disk, and broken references are refused', async () => {
  const { db } = await open('x.sqlite')
  const pragma = async (name: string) =>
    Object.values((await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(db)).rows[0] ?? {})
  expect(await pragma('journal_mode')).toEqual(['wal'])
  expect(await pragma('synchronous')).toEqual([2])
  expect(await pragma('foreign_keys')).toEqual([1])
})

test('two that write at once wait for each other, and a reader for none', async () => {
  const [one, other] = [await open('x.sqlite'), await open('x.sqlite')]
  await sql`create table t (id integer primary key, note text)`.execute(one.db)
  const order: string[] = []
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const first = one.transaction(async ({ db }) => {
    await db.insertInto('t').values({ id: 1, note: null }).execute()
    await held
    order.push('first')
  })
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(await other.db.selectFrom('t').selectAll().execute()).toEqual([])
  const second = other.transaction(async ({ db }) => {
    order.push('second')
    expect(await db.selectFrom('t').select('id').execute()).toEqual([{ id: 1 }])
  })
  await new Promise((resolve) => setTimeout(resolve, 60))
  release()
  await Promise.all([first, second])
  expect(order).toEqual(['first', 'second'])
})

test('a lock that is never given up is told in the end, and may be tried again', async () => {
  const one = await open('x.sqlite')
  await sql`create table t (id integer primary key, note text)`.execute(one.db)
  const other = await openSql<Tables>(`sqlite://${join(directory, 'x.sqlite')}`, { lockPatience: 100 })
  opened.push(other)
  await one.transaction(async () => {
    await expect(other.db.insertInto('t').values({ id: 1, note: null }).execute()).rejects.toMatchObject({
      code: 'DATABASE_BUSY',
      retryable: true,
    })
    await expect(other.transaction(async () => 1)).rejects.toMatchObject({ code: 'DATABASE_BUSY' })
  })
  expect(await other.transaction(async () => 1)).toBe(1)
})

test('a statement past the transaction it is in is refused, since it would wait for ever', async () => {
  const database = await open('x.sqlite')
  await sql`create table t (id integer primary key, note text)`.execute(database.db)
  await expect(database.transaction(() => database.db.selectFrom('t').selectAll().execute())).rejects.toThrow(
    'must use the scope',
  )
  expect(await database.db.selectFrom('t').selectAll().execute()).toEqual([])
})

test('a value that would silently bind nothing is refused', async () => {
  const { db } = await open('x.sqlite')
  await sql`create table t (id integer primary key, note text)`.execute(db)
  const note = new Date() as unknown as string
  await expect(db.insertInto('t').values({ id: 1, note }).execute()).rejects.toThrow('type object')
})

test('a file that is no database, and a directory that cannot be, are told by name', async () => {
  await writeFile(join(directory, 'x.sqlite'), 'this is some text and no database at all, as anybody can see')
  await expect(open('x.sqlite')).rejects.toMatchObject({
    code: 'DATABASE_UNAVAILABLE',
    message: expect.stringContaining('x.sqlite cannot be used'),
  })
  await expect(open('x.sqlite/y.sqlite')).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
})
