import { randomUUID } from 'node:crypto'
import { insertMany, toSqlTime } from '../../lib/sql/index.ts'
import { atomically, type DbScope, now } from './scope.ts'
import { ruleOf, selectGroups, selectRules } from './security-group-query.ts'
import type { SecurityGroupRepository, SecurityGroupRow, SecurityGroupRuleRow } from './types.ts'

/** Security groups with their rules: two statements whatever the number of groups. */
export function securityGroupRepository(scope: DbScope): SecurityGroupRepository {
  return {
    create: (group) => atomically(scope, (inside) => create(inside, group)),
    get: async (id, tenantId) => (await selectGroups(scope, { id, tenantId }))[0],
    ofInstance: async (instanceId) => (await selectGroups(scope, { instanceId }))[0],
    list: (tenantId) => selectGroups(scope, { tenantId }),
    addRules: (rules) => insertRules(scope, rules),
    getRule: async (id, tenantId) => {
      let query = selectRules(scope).where('r.id', '=', id)
      if (tenantId !== undefined) query = query.where('g.tenant_id', '=', tenantId)
      const row = await query.executeTakeFirst()
      return row === undefined ? undefined : ruleOf(row)
    },
    deleteRule: async (id) => {
      const time = now(scope)
      await scope.sql.db
        .updateTable('security_group_rules')
        .set({ deleted: 1, deleted_at: time, updated: time })
        .where('id', '=', id)
        .where('deleted', '=', 0)
        .execute()
    },
    deleteOfInstance: (instanceId) => atomically(scope, (inside) => deleteOfInstance(inside, instanceId)),
  }
}

async function create(inside: DbScope, group: SecurityGroupRow): Promise<void> {
  const { id, name, description, tenant_id, instance_id } = group
  const times = { created: toSqlTime(group.created), updated: toSqlTime(group.updated) }
  const alive = { ...times, deleted: 0, deleted_at: null }
  await inside.sql.db
    .insertInto('security_groups')
    .values({ id, name, description, tenant_id, user: null, ...alive })
    .execute()
  await inside.sql.db
    .insertInto('security_group_instance_associations')
    .values({ id: randomUUID(), security_group_id: id, instance_id, ...alive })
    .execute()
  await insertRules(inside, group.rules)
}

async function insertRules(scope: DbScope, rules: readonly SecurityGroupRuleRow[]): Promise<void> {
  await insertMany(scope.sql, {
    table: 'security_group_rules',
    key: ['id'],
    rows: rules.map(({ id, group_id, protocol, from_port, to_port, cidr, created }) => ({
      id,
      group_id,
      parent_group_id: null,
      protocol,
      from_port,
      to_port,
      cidr,
      created: toSqlTime(created),
      updated: toSqlTime(created),
      deleted: 0,
      deleted_at: null,
    })),
  })
}

async function deleteOfInstance(inside: DbScope, instanceId: string): Promise<void> {
  const { db } = inside.sql
  const gone = { deleted: 1, deleted_at: now(inside), updated: now(inside) }
  const groups = (await selectGroups(inside, { instanceId })).map(({ id }) => id)
  if (groups.length === 0) return
  await db
    .updateTable('security_group_rules')
    .set(gone)
    .where('group_id', 'in', groups)
    .where('deleted', '=', 0)
    .execute()
  await db.updateTable('security_groups').set(gone).where('id', 'in', groups).execute()
  await db
    .updateTable('security_group_instance_associations')
    .set(gone)
    .where('instance_id', '=', instanceId)
    .where('deleted', '=', 0)
    .execute()
}
