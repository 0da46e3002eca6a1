import { type Selectable, type SelectQueryBuilder, sql } from 'kysely'
import type { DbScope } from './scope.ts'
import type { InstancesTable, RuntimeTables } from './tables.ts'

/** Whole rows of instances. */
type InstanceRows = SelectQueryBuilder<RuntimeTables, 'instances', Selectable<InstancesTable>>

/**
 * Everything a view of instances needs, in one statement: no look-ups afterwards, however long the list.
 *
 * @param rows the instances, cut to the page already: else MariaDB joins all of a tenant's before it takes the first 20
 */
export function selectRecords({ sql: { db } }: DbScope, rows: InstanceRows) {
  return db
    .selectFrom(rows.as('i'))
    .innerJoin('datastore_versions as v', 'v.id', 'i.datastore_version_id')
    .innerJoin('datastores as d', 'd.id', 'v.datastore_id')
    .leftJoin('service_statuses as s', 's.instance_id', 'i.id')
    .leftJoin('agent_heartbeats as h', 'h.instance_id', 'i.id')
    .leftJoin('instance_faults as f', (join) =>
      join.on('f.id', '=', (on) =>
        on
          .selectFrom('instance_faults as latest')
          .select('latest.id')
          .whereRef('latest.instance_id', '=', 'i.id')
          .orderBy('latest.created', 'desc')
          .orderBy('latest.id', 'desc')
          .limit(1),
      ),
    )
    .selectAll('i')
    .select([
      's.status_id',
      's.updated_at as status_updated',
      'h.volume_used',
      'h.volume_total',
      'v.datastore_id',
      'd.name as datastore_name',
      'v.name as version_name',
      'v.version as version_number',
      'v.manager',
      'f.message as fault_message',
      'f.details as fault_details',
      'f.created as fault_created',
      (select) =>
        select
          .selectFrom('instances as r')
          .select(sql<string | null>`group_concat(r.id)`.as('ids'))
          .whereRef('r.slave_of_id', '=', 'i.id')
          .where('r.deleted', '=', 0)
          .as('replicas'),
    ])
    .orderBy('i.id')
}
