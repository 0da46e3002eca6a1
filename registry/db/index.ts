import { migrateSets, openSql, type SqlScope } from '../../lib/sql/index.ts'
import { registryMigrations } from './migrations/index.ts'
import { datastoreRegistrar } from './registrar.ts'
import type { RegistryTables } from './tables.ts'
import type { DatastoreRegistrar } from './types.ts'

export { registryMigrations } from './migrations/index.ts'
export { datastoreRegistrar } from './registrar.ts'
export type { RegistryTables } from './tables.ts'
export type * from './types.ts'

/** What exists, for programs that need nothing of the runtime: the builder, above all. */
export interface RegistryDatabase {
  readonly datastores: DatastoreRegistrar
  /** All or nothing; do no I/O but SQL in it. */
  readonly transaction: <T>(work: (datastores: DatastoreRegistrar) => Promise<T>) => Promise<T>
  readonly close: () => Promise<void>
}

/**
 * Opens the registry's part of the infrastructure database, brought up to date first. The runtime's tables need not exist.
 *
 * @param url see lib/sql/url
 * @throws CofferError DATABASE_URL_INVALID, DATABASE_UNAVAILABLE, DATABASE_NEWER, DATABASE_MIGRATION_FAILED
 */
export async function openRegistryDatabase(url: string): Promise<RegistryDatabase> {
  const sql = await openSql<RegistryTables>(url)
  try {
    await migrateSets(sql, [registryMigrations])
  } catch (error) {
    await sql.close()
    throw error
  }
  return {
    datastores: datastoreRegistrar(sql),
    transaction: (work) =>
      sql.transaction((inside: SqlScope<RegistryTables>) => work(datastoreRegistrar(inside))),
    close: sql.close,
  }
}
