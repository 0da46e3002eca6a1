import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type MigrationSet, migrateSets, openSql, type Sql } from '../../../../lib/sql/index.ts'

let database: Sql<unknown>
beforeEach(async () => {
  database = await openSql('sqlite://')
})
afterEach(() => database.close())

const tables = async () =>
  (
    await sql<{
      name: string
    }>`select name from sqlite_master where type = 'table' and name like 't%'`.execute(database.db)
  ).rows.map(({ name }) => name)
const one: MigrationSet = {
  name: 'one',
  migrations: {
    '001_first': async ({ table }) => {
      await table('t1').addColumn('id', 'integer').execute()
    },
  },
}
const grown: MigrationSet = {
  name: 'one',
  migrations: {
    ...one.migrations,
    '002_second': async ({ table, index }) => {
      await table('t2').addColumn('id', 'integer').execute()
      await index('t2_id', 't2', ['id'])
    },
  },
}

test('a database gets what it lacks, in order, and nothing twice', async () => {
  expect(await migrateSets(database, [one])).toEqual(['one/001_first'])
  expect(await migrateSets(database, [grown])).toEqual(['one/002_second'])
  expect(await migrateSets(database, [grown])).toEqual([])
  expect(await tables()).toEqual(['t1', 't2'])
})

test('a migration that fails leaves the database as it was', async () => {
  const failing: MigrationSet = {
    name: 'one',
    migrations: {
      ...grown.migrations,
      '003_third': async () => {
        throw new Error('no space left')
      },
    },
  }
  await migrateSets(database, [one])
  await expect(migrateSets(database, [failing])).rejects.toMatchObject({
    code: 'DATABASE_MIGRATION_FAILED',
    message: expect.stringContaining('no space left'),
  })
  expect(await tables()).toEqual(['t1'])
  expect(await migrateSets(database, [grown])).toEqual(['one/002_second'])
})

test('an older program refuses what a newer one made, and names it', async () => {
  await migrateSets(database, [grown])
  await expect(migrateSets(database, [one])).rejects.toMatchObject({
    code: 'DATABASE_NEWER',
    message: expect.stringContaining('one/002_second'),
  })
})

test('two sets in one database know nothing of each other', async () => {
  const two: MigrationSet = {
    name: 'two',
    migrations: {
      '000_before': async ({ sequenceTable }) => {
        await sequenceTable('t3').execute()
      },
    },
  }
  await migrateSets(database, [one])
  expect(await migrateSets(database, [grown, two])).toEqual(['one/002_second', 'two/000_before'])
  expect(await migrateSets(database, [two])).toEqual([])
})
