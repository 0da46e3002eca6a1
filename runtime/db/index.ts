import { type Clock, systemClock } from '../../lib/clock.ts'
import { migrateSets, openSql, type Sql } from '../../lib/sql/index.ts'
import { datastoreRegistrar, type RegistryTables, registryMigrations } from '../../registry/db/index.ts'
import { instanceRepository } from './instances.ts'
import { messageRepository } from './messages.ts'
import { runtimeMigrations } from './migrations/index.ts'
import { quotaRepository } from './quotas.ts'
import { rootHistoryRepository } from './root-history.ts'
import { atomically, type DbScope } from './scope.ts'
import { securityGroupRepository } from './security-groups.ts'
import { statusRepository } from './statuses.ts'
import type { RuntimeTables } from './tables.ts'
import { taskRepository } from './tasks.ts'
import type { Database } from './types.ts'

/** The registry's tables come first: the runtime's point to them. */
const SETS = [registryMigrations, runtimeMigrations]

/**
 * Opens the infrastructure database, brought up to date first: services need no db_sync before them, and two that start at
 * once do not disturb each other.
 *
 * @param url `sqlite:///path`, `sqlite://` (in memory, gone with `close`), `mysql://user:password@host:port/name`
 * @throws CofferError DATABASE_URL_INVALID, DATABASE_UNAVAILABLE (retryable), DATABASE_NEWER, DATABASE_MIGRATION_FAILED
 */
export async function openDatabase(
  url: string,
  { clock = systemClock }: { clock?: Clock } = {},
): Promise<Database> {
  const { sql } = await openMigrated(url)
  return { ...repositories({ sql, clock }), close: sql.close }
}

/**
 * What `trove-manage db_sync` does.
 *
 * @returns the migrations that were missing, `set/name` each; none when the database was up to date
 * @throws as {@link openDatabase}
 */
export async function migrate(url: string): Promise<readonly string[]> {
  const { sql, made } = await openMigrated(url)
  await sql.close()
  return made
}

async function openMigrated(
  url: string,
): Promise<{ readonly sql: Sql<RuntimeTables>; readonly made: readonly string[] }> {
  const sql = await openSql<RuntimeTables>(url)
  try {
    return { sql, made: await migrateSets(sql, SETS) }
  } catch (error) {
    await sql.close()
    throw error
  }
}

function repositories(scope: DbScope): Database {
  return {
    instances: instanceRepository(scope),
    statuses: statusRepository(scope),
    quotas: quotaRepository(scope),
    tasks: taskRepository(scope),
    rootHistory: rootHistoryRepository(scope),
    securityGroups: securityGroupRepository(scope),
    messages: messageRepository(scope),
    datastores: datastoreRegistrar(scope.sql as unknown as Sql<RegistryTables>),
    transaction: (work) => atomically(scope, (inside) => work(repositories(inside))),
    close: async () => {
      throw new TypeError('A transaction cannot close its database')
    },
  }
}
