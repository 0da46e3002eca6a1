import { sql } from 'kysely'
import { INSTANCE_TASKS } from '../model/instance-task.ts'
import { lockUsages } from './quotas.ts'
import { type DbScope, now } from './scope.ts'
import type { QuotaCorrection, QuotaResource } from './types.ts'

const COUNTED: readonly QuotaResource[] = ['instances', 'ram', 'volumes']

/**
 * Sets the usage of one tenant, or of all, to what the living rows say. Call it inside a transaction: the usage rows are
 * taken first, so no create or delete is half counted.
 */
export async function recount(
  inside: DbScope,
  tenantId: string | undefined,
  ramOf: ((flavorId: string) => number) | undefined,
): Promise<readonly QuotaCorrection[]> {
  const resources = COUNTED.filter((resource) => resource !== 'ram' || ramOf !== undefined)
  const tenants = tenantId === undefined ? await tenantsOf(inside) : [tenantId]
  const corrections: QuotaCorrection[] = []
  for (const tenant of tenants) {
    await lockUsages(inside, tenant, resources)
    const { counts, stored } = await countOf(inside, tenant, ramOf)
    for (const resource of resources) {
      const was = stored.get(resource) ?? 0
      const is = counts[resource] ?? 0
      if (was === is) continue
      await inside.sql.db
        .updateTable('quota_usages')
        .set({ in_use: is, updated: now(inside) })
        .where('tenant_id', '=', tenant)
        .where('resource', '=', resource)
        .execute()
      corrections.push({ tenantId: tenant, resource, was, is })
    }
  }
  return corrections
}

async function tenantsOf({ sql: { db } }: DbScope): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('instances')
    .select('tenant_id')
    .where('deleted', '=', 0)
    .union(db.selectFrom('quota_usages').select('tenant_id'))
    .execute()
  return rows.map(({ tenant_id }) => tenant_id).sort()
}

async function countOf(
  { sql: { db } }: DbScope,
  tenant: string,
  ramOf: ((flavorId: string) => number) | undefined,
): Promise<{ counts: Partial<Record<QuotaResource, number>>; stored: ReadonlyMap<string, number> }> {
  const flavors = await db
    .selectFrom('instances')
    .select(['flavor_id', sql<number>`count(*)`.as('instances')])
    .select(sql<number | string | null>`sum(volume_size)`.as('gigabytes'))
    .where('tenant_id', '=', tenant)
    .where('deleted', '=', 0)
    // The API gives the quota back when a deletion begins (contract §5.2).
    .where('task_id', '!=', INSTANCE_TASKS.DELETING.code)
    .groupBy('flavor_id')
    .execute()
  const stored = await db
    .selectFrom('quota_usages')
    .select(['resource', 'in_use'])
    .where('tenant_id', '=', tenant)
    .execute()
  const sum = (of: (row: (typeof flavors)[number]) => number) =>
    flavors.reduce((all, row) => all + of(row), 0)
  return {
    counts: {
      instances: sum((row) => Number(row.instances)),
      // MySQL gives sums as text.
      volumes: sum((row) => Number(row.gigabytes ?? 0)),
      ...(ramOf === undefined ? {} : { ram: sum((row) => ramOf(row.flavor_id) * Number(row.instances)) }),
    },
    stored: new Map(stored.map(({ resource, in_use }) => [resource, in_use])),
  }
}
