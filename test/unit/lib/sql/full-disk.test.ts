import { randomBytes } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { openSql } from '../../../../lib/sql/index.ts'
import { removeTree } from '../../../../lib/tree.ts'

async function ownFile(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-sql-'))
  onTestFinished(() => removeTree(directory))
  return join(directory, 'trove.sqlite')
}

test('a transaction that the disk has no room for changes nothing, and says why', async () => {
  const database = await openSql(`sqlite://${await ownFile()}`)
  onTestFinished(() => database.close())
  await sql`create table t (x text)`.execute(database.db)
  // A full disk as SQLite reports it: SQLITE_FULL.
  await sql`pragma max_page_count = 8`.execute(database.db)
  const text = randomBytes(50_000).toString('hex')
  const write = database.transaction(async ({ db }) => {
    await sql`insert into t values ('small')`.execute(db)
    await sql`insert into t values (${text})`.execute(db)
  })
  await expect(write).rejects.toMatchObject({
    code: 'DATABASE_UNAVAILABLE',
    retryable: true,
    message: expect.stringMatching(/trove\.sqlite cannot be used: database or disk is full/),
  })
  expect((await sql`select x from t`.execute(database.db)).rows).toEqual([])
  await sql`pragma max_page_count = 1000`.execute(database.db)
  await database.transaction(async ({ db }) => void (await sql`insert into t values (${text})`.execute(db)))
  expect((await sql`select x from t`.execute(database.db)).rows).toHaveLength(1)
})

test('a file that is no database is named in the error', async () => {
  const file = await ownFile()
  await writeFile(file, 'x'.repeat(5000))
  await expect(openSql(`sqlite://${file}`)).rejects.toMatchObject({
    code: 'DATABASE_UNAVAILABLE',
    message: expect.stringMatching(/trove\.sqlite cannot be used: file is not a database/),
  })
})
