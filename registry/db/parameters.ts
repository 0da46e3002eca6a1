import { randomUUID } from 'node:crypto'
import { insertMany, type SqlScope } from '../../lib/sql/index.ts'
import type { RegistryTables } from './tables.ts'
import type { ParameterRow } from './types.ts'

/** The parameters of a version, by name. */
export async function parametersOf(
  { db }: SqlScope<RegistryTables>,
  versionId: string,
): Promise<readonly ParameterRow[]> {
  const rows = await db
    .selectFrom('datastore_configuration_parameters')
    .select(['name', 'datastore_version_id', 'restart_required', 'max_size', 'min_size', 'data_type'])
    .where('datastore_version_id', '=', versionId)
    .where('deleted', '=', 0)
    .orderBy('name')
    .execute()
  return rows.map((row) => ({ ...row, restart_required: row.restart_required !== 0 }))
}

/** Replaces them all: a parameter that the new rules do not name is gone. */
export function putParameters(
  scope: SqlScope<RegistryTables>,
  versionId: string,
  parameters: readonly Omit<ParameterRow, 'datastore_version_id'>[],
): Promise<void> {
  return scope.transaction(async (inside) => {
    await inside.db
      .deleteFrom('datastore_configuration_parameters')
      .where('datastore_version_id', '=', versionId)
      .execute()
    if (parameters.length === 0) return
    await insertMany(inside, {
      table: 'datastore_configuration_parameters',
      key: ['datastore_version_id', 'name'],
      rows: parameters.map(({ name, restart_required, max_size, min_size, data_type }) => ({
        id: randomUUID(),
        name,
        datastore_version_id: versionId,
        restart_required: restart_required ? 1 : 0,
        max_size,
        min_size,
        data_type,
        deleted: 0,
      })),
    })
  })
}
