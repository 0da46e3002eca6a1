import type { Schema } from '../../../lib/sql/index.ts'

/** Limits of tenants and what they use (contract §5.2). Reservations are not kept: a change is one transaction. */
export async function quotas({ table }: Schema): Promise<void> {
  await table('quotas')
    .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('created', 'datetime', (column) => column.notNull())
    .addColumn('updated', 'datetime', (column) => column.notNull())
    .addColumn('tenant_id', 'varchar(64)', (column) => column.notNull())
    .addColumn('resource', 'varchar(64)', (column) => column.notNull())
    .addColumn('hard_limit', 'integer', (column) => column.notNull())
    .addUniqueConstraint('quotas_key', ['tenant_id', 'resource'])
    .execute()
  await table('quota_usages')
    .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('created', 'datetime', (column) => column.notNull())
    .addColumn('updated', 'datetime', (column) => column.notNull())
    .addColumn('tenant_id', 'varchar(64)', (column) => column.notNull())
    .addColumn('in_use', 'integer', (column) => column.notNull())
    .addColumn('reserved', 'integer', (column) => column.notNull())
    .addColumn('resource', 'varchar(64)', (column) => column.notNull())
    .addUniqueConstraint('quota_usages_key', ['tenant_id', 'resource'])
    .execute()
}
