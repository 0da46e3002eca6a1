import type { Schema } from '../../../lib/sql/index.ts'

/** Datastores, versions and parameters (contract §5.1). */
export async function datastores({ table }: Schema): Promise<void> {
  await table('datastores')
    .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('name', 'varchar(255)', (column) => column.notNull().unique())
    .addColumn('default_version_id', 'varchar(36)')
    .execute()
  await table('datastore_versions')
    .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('datastore_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('name', 'varchar(255)', (column) => column.notNull())
    .addColumn('version', 'varchar(255)', (column) => column.notNull())
    .addColumn('image_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('packages', 'varchar(511)', (column) => column.notNull())
    .addColumn('active', 'boolean', (column) => column.notNull())
    .addColumn('manager', 'varchar(255)', (column) => column.notNull())
    .addUniqueConstraint('datastore_versions_name', ['datastore_id', 'name', 'version'])
    .addForeignKeyConstraint('datastore_versions_datastore', ['datastore_id'], 'datastores', ['id'])
    .execute()
  await table('datastore_configuration_parameters')
    .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('name', 'varchar(128)', (column) => column.notNull())
    .addColumn('datastore_version_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('restart_required', 'boolean', (column) => column.notNull())
    .addColumn('max_size', 'varchar(40)')
    .addColumn('min_size', 'varchar(40)')
    .addColumn('data_type', 'varchar(128)', (column) => column.notNull())
    .addColumn('deleted', 'boolean', (column) => column.notNull())
    .addColumn('deleted_at', 'datetime')
    .addUniqueConstraint('parameters_name', ['datastore_version_id', 'name'])
    .addForeignKeyConstraint(
      'parameters_version',
      ['datastore_version_id'],
      'datastore_versions',
      ['id'],
      (key) => key.onDelete('cascade'),
    )
    .execute()
}
