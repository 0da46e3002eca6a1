import { type Kysely, type Migration, Migrator, sql } from 'kysely'
import { CofferError } from '../errors.ts'
import { isMissingTable } from './errors.ts'
import { type Schema, schemaOf } from './schema.ts'
import type { Sql } from './types.ts'

/** Migrations of one owner of tables. Several sets live in one database, each with its own journal. */
export interface MigrationSet {
  /** `registry`: the journal is the table registry_migrations. */
  readonly name: string
  /** In the order of their names: `001_first`. One that has been released never changes. */
  readonly migrations: Readonly<Record<string, (schema: Schema) => Promise<void>>>
}

/**
 * Brings the database up to date, set after set. Safe when several processes do so at once: one works, the others wait. With
 * nothing to do it only reads.
 *
 * @returns the migrations that this call made, as `set/name`
 * @throws CofferError DATABASE_NEWER when the database has a migration that this program does not know
 * @throws CofferError DATABASE_MIGRATION_FAILED
 */
export async function migrateSets<DB>(
  { db, engine }: Sql<DB>,
  sets: readonly MigrationSet[],
): Promise<readonly string[]> {
  const made: string[] = []
  for (const set of sets) {
    const done = await journal(db, set)
    refuseNewer(set, done)
    if (Object.keys(set.migrations).every((name) => done.includes(name))) continue
    const migrator = new Migrator({
      db,
      provider: { getMigrations: async () => asKysely(set, engine) },
      migrationTableName: `${set.name}_migrations`,
      migrationLockTableName: `${set.name}_migrations_lock`,
    })
    const { error, results } = await migrator.migrateToLatest()
    if (error !== undefined) {
      // Another process may just have gone past what this program knows.
      refuseNewer(set, await journal(db, set))
      throw new CofferError(
        'DATABASE_MIGRATION_FAILED',
        `The database could not be brought up to date: ${error instanceof Error ? error.message : String(error)}`,
        { hint: 'Nothing is lost. Repair the cause, then run trove-manage db_sync.', cause: error },
      )
    }
    made.push(...(results ?? []).map(({ migrationName }) => `${set.name}/${migrationName}`))
  }
  return made
}

function asKysely(set: MigrationSet, engine: Sql<unknown>['engine']): Record<string, Migration> {
  const steps = Object.entries(set.migrations)
  return Object.fromEntries(steps.map(([name, up]) => [name, { up: (inner) => up(schemaOf(inner, engine)) }]))
}

async function journal<DB>(db: Kysely<DB>, { name }: MigrationSet): Promise<readonly string[]> {
  try {
    const { rows } = await sql<{ name: string }>`select name from ${sql.table(`${name}_migrations`)}`.execute(
      db,
    )
    return rows.map((row) => row.name)
  } catch (error) {
    if (isMissingTable(error)) return []
    throw error
  }
}

function refuseNewer({ name, migrations }: MigrationSet, done: readonly string[]): void {
  const unknown = done.filter((migration) => !Object.hasOwn(migrations, migration))
  if (unknown.length === 0) return
  throw new CofferError(
    'DATABASE_NEWER',
    `The database was made by a newer version: this one does not know ${unknown.map((migration) => `${name}/${migration}`).join(', ')}`,
    { hint: 'Use the newer version, or a backup of the database from before it.' },
  )
}
