import { type CreateTableBuilder, type Kysely, sql } from 'kysely'
import type { SqlEngine } from './types.ts'

/** What a migration works with. Every step may have run before: MySQL commits each one by itself, and a kill may come between. */
export interface Schema {
  readonly db: Kysely<unknown>
  readonly engine: SqlEngine
  /** A table, made unless it exists. Text is compared by its bytes on both engines. */
  readonly table: (name: string) => CreateTableBuilder<string, never>
  /** A table whose first column `seq` counts up: rows in the order they came. */
  readonly sequenceTable: (name: string) => CreateTableBuilder<string, 'seq'>
  /** An index, made unless it exists. */
  readonly index: (name: string, table: string, columns: readonly string[]) => Promise<void>
}

/** Text of up to 16 MiB on MySQL, where TEXT ends at 64 KiB; just text on SQLite. */
export const longText = sql`mediumtext`
/** A time with milliseconds. */
export const preciseTime = sql`datetime(3)`

export function schemaOf(db: Kysely<unknown>, engine: SqlEngine): Schema {
  const table = (name: string): CreateTableBuilder<string, never> => {
    const create = db.schema.createTable(name).ifNotExists()
    return engine === 'mysql'
      ? create.modifyEnd(sql`engine=InnoDB default charset=utf8mb4 collate=utf8mb4_bin`)
      : create
  }
  return {
    db,
    engine,
    table,
    sequenceTable: (name) =>
      table(name).addColumn('seq', engine === 'mysql' ? 'bigint' : 'integer', (column) =>
        column.primaryKey().autoIncrement(),
      ),
    index: async (name, on, columns) => {
      if (engine === 'mysql' && (await hasIndex(db, name, on))) return
      const create = db.schema
        .createIndex(name)
        .on(on)
        .columns([...columns])
      await (engine === 'sqlite' ? create.ifNotExists() : create).execute()
    },
  }
}

async function hasIndex(db: Kysely<unknown>, name: string, table: string): Promise<boolean> {
  const found = await sql`select 1 from information_schema.statistics
    where table_schema = database() and table_name = ${table} and index_name = ${name} limit 1`.execute(db)
  return found.rows.length > 0
}
