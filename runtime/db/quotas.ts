import { randomUUID } from 'node:crypto'
import { insertMany } from '../../lib/sql/index.ts'
import { fault } from '../model/faults.ts'
import { recount } from './quota-recount.ts'
import { atomically, type DbScope, now } from './scope.ts'
import type { QuotaRepository, QuotaResource, QuotaUsage } from './types.ts'

export const QUOTA_RESOURCES: readonly QuotaResource[] = ['backups', 'instances', 'ram', 'volumes']

type Limits = Readonly<Record<string, number>>

export function quotaRepository(scope: DbScope): QuotaRepository {
  return {
    usages: (tenantId, defaults) => usagesOf(scope, tenantId, defaults),
    setLimit: async (tenantId, resource, limit) => {
      const time = now(scope)
      await insertMany(scope.sql, {
        table: 'quotas',
        key: ['tenant_id', 'resource'],
        update: { hard_limit: 'replace', updated: 'replace' },
        rows: [
          {
            id: randomUUID(),
            created: time,
            updated: time,
            tenant_id: tenantId,
            resource,
            hard_limit: limit,
          },
        ],
      })
    },
    change: (tenantId, deltas, defaults) =>
      atomically(scope, (inside) => change(inside, tenantId, deltas, defaults)),
    recount: (tenantId, ramOf) => atomically(scope, (inside) => recount(inside, tenantId, ramOf)),
  }
}

async function usagesOf(
  { sql }: DbScope,
  tenantId: string,
  defaults: Limits,
): Promise<readonly QuotaUsage[]> {
  const limits = await sql.db
    .selectFrom('quotas')
    .select(['resource', 'hard_limit'])
    .where('tenant_id', '=', tenantId)
    .execute()
  const usages = await sql.db
    .selectFrom('quota_usages')
    .select(['resource', 'in_use', 'reserved'])
    .where('tenant_id', '=', tenantId)
    .execute()
  return QUOTA_RESOURCES.map((resource) => {
    const usage = usages.find((row) => row.resource === resource)
    const own = limits.find((row) => row.resource === resource)
    return {
      resource,
      in_use: usage?.in_use ?? 0,
      reserved: usage?.reserved ?? 0,
      limit: own?.hard_limit ?? defaults[resource] ?? -1,
    }
  })
}

/** Contract §5.2 without its reservations: who changes the usage also makes the row it counts, or neither happens. */
async function change(
  inside: DbScope,
  tenantId: string,
  deltas: Partial<Record<QuotaResource, number>>,
  defaults: Limits,
): Promise<void> {
  const wanted = QUOTA_RESOURCES.filter((resource) => (deltas[resource] ?? 0) !== 0)
  if (wanted.length === 0) return
  await lockUsages(inside, tenantId, wanted)
  const usages = await usagesOf(inside, tenantId, defaults)
  const changes = wanted.flatMap((resource) => {
    const usage = usages.find((row) => row.resource === resource)
    return usage === undefined ? [] : [{ ...usage, delta: deltas[resource] ?? 0 }]
  })
  const overs = changes
    .filter(
      ({ delta, limit, in_use, reserved }) => delta > 0 && limit >= 0 && in_use + reserved + delta > limit,
    )
    .map(({ resource }) => resource)
    .sort()
  if (overs.length > 0) throw fault('QUOTA_EXCEEDED', { overs: pythonList(overs) })
  for (const { resource, in_use, delta } of changes) {
    await inside.sql.db
      .updateTable('quota_usages')
      .set({ in_use: Math.max(0, in_use + delta), updated: now(inside) })
      .where('tenant_id', '=', tenantId)
      .where('resource', '=', resource)
      .execute()
  }
}

/**
 * Makes the usage rows and holds them until the transaction ends: a second change of the same tenant waits here, then sees
 * what the first one left.
 */
export async function lockUsages(
  inside: DbScope,
  tenantId: string,
  resources: readonly QuotaResource[],
): Promise<void> {
  const time = now(inside)
  await insertMany(inside.sql, {
    table: 'quota_usages',
    key: ['tenant_id', 'resource'],
    update: { updated: 'replace' },
    rows: resources.map((resource) => ({
      id: randomUUID(),
      created: time,
      updated: time,
      tenant_id: tenantId,
      in_use: 0,
      reserved: 0,
      resource,
    })),
  })
}

/** As Trove prints it, and as clients compare it. */
function pythonList(words: readonly string[]): string {
  return `[${words.map((word) => `'${word}'`).join(', ')}]`
}
