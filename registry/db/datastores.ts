import type { Selectable } from 'kysely'
import type { SqlScope } from '../../lib/sql/index.ts'
import { parametersOf } from './parameters.ts'
import type { RegistryTables } from './tables.ts'
import type { DatastoreRepository, DatastoreVersionRow } from './types.ts'

/** The reading side, over an SQL database (contract §5.1). */
export function datastoreRepository(scope: SqlScope<RegistryTables>): DatastoreRepository {
  return {
    list: () => scope.db.selectFrom('datastores').selectAll().orderBy('name').execute(),
    get: async (idOrName) => {
      const rows = await scope.db
        .selectFrom('datastores')
        .selectAll()
        .where((where) => where.or([where('id', '=', idOrName), where('name', '=', idOrName)]))
        .execute()
      // An id wins, whatever somebody named a datastore.
      return rows.find(({ id }) => id === idOrName) ?? rows[0]
    },
    versions: async (datastoreId) =>
      (await selectVersions(scope).where('v.datastore_id', '=', datastoreId).execute()).map(versionOf),
    allVersions: async () => (await selectVersions(scope).execute()).map(versionOf),
    versionById: async (id) => {
      const row = await selectVersions(scope).where('v.id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : versionOf(row)
    },
    parameters: (versionId) => parametersOf(scope, versionId),
  }
}

function selectVersions({ db }: SqlScope<RegistryTables>) {
  return db
    .selectFrom('datastore_versions as v')
    .innerJoin('datastores as d', 'd.id', 'v.datastore_id')
    .selectAll('v')
    .select('d.name as datastore_name')
    .orderBy('d.name')
    .orderBy('v.name')
    .orderBy('v.version')
}

type VersionColumns = Selectable<RegistryTables['datastore_versions']> & { readonly datastore_name: string }

function versionOf(row: VersionColumns): DatastoreVersionRow {
  return { ...row, active: row.active !== 0 }
}
