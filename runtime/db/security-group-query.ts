import { fromSqlTime } from '../../lib/sql/index.ts'
import type { DbScope } from './scope.ts'
import type { SecurityGroupRow, SecurityGroupRuleRow } from './types.ts'

export interface GroupFilter {
  readonly id?: string | undefined
  readonly tenantId?: string | undefined
  readonly instanceId?: string | undefined
}

/** Groups that are not deleted, by id, with their rules. */
export async function selectGroups(
  scope: DbScope,
  filter: GroupFilter,
): Promise<readonly SecurityGroupRow[]> {
  let query = scope.sql.db
    .selectFrom('security_groups as g')
    .innerJoin('security_group_instance_associations as a', 'a.security_group_id', 'g.id')
    .select(['g.id', 'g.name', 'g.description', 'g.tenant_id', 'g.created', 'g.updated', 'a.instance_id'])
    .where('g.deleted', '=', 0)
    .where('a.deleted', '=', 0)
    .orderBy('g.id')
  if (filter.id !== undefined) query = query.where('g.id', '=', filter.id)
  if (filter.tenantId !== undefined) query = query.where('g.tenant_id', '=', filter.tenantId)
  if (filter.instanceId !== undefined) query = query.where('a.instance_id', '=', filter.instanceId)
  const groups = await query.execute()
  if (groups.length === 0) return []
  const ids = groups.map(({ id }) => id)
  const rules = Map.groupBy(
    (await selectRules(scope).where('r.group_id', 'in', ids).execute()).map(ruleOf),
    (rule) => rule.group_id,
  )
  return groups.map((group) => ({
    ...group,
    created: fromSqlTime(group.created),
    updated: fromSqlTime(group.updated),
    rules: rules.get(group.id) ?? [],
  }))
}

/** Rules that are not deleted, of groups that are not, in the order of their ports. */
export function selectRules({ sql: { db } }: DbScope) {
  return db
    .selectFrom('security_group_rules as r')
    .innerJoin('security_groups as g', 'g.id', 'r.group_id')
    .select(['r.id', 'r.group_id', 'r.protocol', 'r.from_port', 'r.to_port', 'r.cidr', 'r.created'])
    .where('r.deleted', '=', 0)
    .where('g.deleted', '=', 0)
    .orderBy('r.from_port')
    .orderBy('r.id')
}

export function ruleOf(
  row: Omit<SecurityGroupRuleRow, 'created'> & { readonly created: string },
): SecurityGroupRuleRow {
  return { ...row, created: fromSqlTime(row.created) }
}
