import { randomUUID } from 'node:crypto'
import type { Updateable } from 'kysely'
import { toSqlTime, toSqlTimeMs } from '../../lib/sql/index.ts'
import { INSTANCE_TASKS, instanceTask } from '../model/instance-task.ts'
import { SERVICE_STATUSES } from '../model/service-status.ts'
import { selectRecords } from './instance-query.ts'
import { instanceRecordOf, instanceRowOf } from './instance-row.ts'
import { atomically, type DbScope, now } from './scope.ts'
import { setStatus } from './statuses.ts'
import type { InstancesTable } from './tables.ts'
import type { InstancePatch, InstanceQuery, InstanceRepository, NewInstance } from './types.ts'

export function instanceRepository(scope: DbScope): InstanceRepository {
  const { db } = scope.sql
  return {
    create: (instance) =>
      atomically(scope, async (inside) => {
        await inside.sql.db.insertInto('instances').values(columnsOf(instance)).execute()
        await setStatus(inside, instance.id, SERVICE_STATUSES.NEW.code)
      }),

    get: async (id, { tenantId, deleted = false } = {}) => {
      let rows = db
        .selectFrom('instances')
        .selectAll()
        .where('id', '=', id)
        .where('deleted', '=', deleted ? 1 : 0)
      if (tenantId !== undefined) rows = rows.where('tenant_id', '=', tenantId)
      const row = await selectRecords(scope, rows).executeTakeFirst()
      return row === undefined ? undefined : instanceRecordOf(row)
    },

    list: async (query) => {
      const rows = await selectRecords(scope, page(scope, query)).execute()
      const records = rows.slice(0, query.limit).map(instanceRecordOf)
      return { records, nextMarker: rows.length > query.limit ? records.at(-1)?.id : undefined }
    },

    update: async (id, patch, expectTasks) => {
      let update = db
        .updateTable('instances')
        .set(changesOf(scope, patch))
        .where('id', '=', id)
        .where('deleted', '=', 0)
      if (expectTasks !== undefined) update = update.where('task_id', 'in', [...expectTasks])
      return (await update.executeTakeFirstOrThrow()).numUpdatedRows > 0n
    },

    softDelete: (id) => atomically(scope, (inside) => softDelete(inside, id)),

    addFault: async (id, message, details) => {
      const created = toSqlTimeMs(scope.clock.now())
      const row = {
        id: randomUUID(),
        instance_id: id,
        message,
        details,
        created,
        updated: created,
        deleted: 0,
      }
      await db
        .insertInto('instance_faults')
        .values({ ...row, deleted_at: null })
        .execute()
    },

    living: async () => {
      const rows = await db
        .selectFrom('instances')
        .selectAll()
        .where('deleted', '=', 0)
        .orderBy('id')
        .execute()
      return rows.map(instanceRowOf)
    },
  }
}

/** One row more than asked for tells whether there is another page. */
function page(
  scope: DbScope,
  { tenantId, limit, marker, includeClustered = false, deleted = false }: InstanceQuery,
) {
  let rows = scope.sql.db
    .selectFrom('instances')
    .selectAll()
    .where('deleted', '=', deleted ? 1 : 0)
    .orderBy('id')
    .limit(limit + 1)
  if (tenantId !== undefined) rows = rows.where('tenant_id', '=', tenantId)
  if (marker !== undefined) rows = rows.where('id', '>', marker)
  if (!includeClustered) rows = rows.where('cluster_id', 'is', null)
  return rows
}

function columnsOf(instance: NewInstance): InstancesTable {
  const created = toSqlTime(instance.created)
  return {
    id: instance.id,
    created,
    updated: created,
    name: instance.name,
    hostname: instance.hostname ?? null,
    compute_instance_id: null,
    task_id: instance.task_code,
    task_description: instanceTask(instance.task_code).description,
    task_start_time: created,
    volume_id: null,
    flavor_id: instance.flavor_id,
    volume_size: instance.volume_size,
    tenant_id: instance.tenant_id,
    server_status: null,
    deleted: 0,
    deleted_at: null,
    datastore_version_id: instance.datastore_version_id,
    configuration_id: instance.configuration_id ?? null,
    slave_of_id: instance.slave_of_id ?? null,
    cluster_id: null,
    shard_id: null,
    type: null,
    region_id: instance.region_id ?? null,
    encrypted_key: null,
    access: json(instance.access),
    addresses: '[]',
  }
}

function changesOf(scope: DbScope, patch: InstancePatch): Updateable<InstancesTable> {
  const { task_code, addresses, access, ...columns } = patch
  const time = now(scope)
  return {
    ...columns,
    updated: time,
    ...(task_code === undefined
      ? {}
      : { task_id: task_code, task_description: instanceTask(task_code).description, task_start_time: time }),
    ...(addresses === undefined ? {} : { addresses: JSON.stringify(addresses) }),
    ...(access === undefined ? {} : { access: json(access) }),
  }
}

async function softDelete(inside: DbScope, id: string): Promise<void> {
  const { db } = inside.sql
  const time = now(inside)
  const { code, description } = INSTANCE_TASKS.NONE
  const { numUpdatedRows } = await db
    .updateTable('instances')
    // The guest is gone, and with it the use of its secret.
    .set({
      deleted: 1,
      deleted_at: time,
      updated: time,
      task_id: code,
      task_description: description,
      encrypted_key: null,
    })
    .where('id', '=', id)
    .where('deleted', '=', 0)
    .executeTakeFirstOrThrow()
  if (numUpdatedRows === 0n) return
  await setStatus(inside, id, SERVICE_STATUSES.DELETED.code)
  await db
    .updateTable('agent_heartbeats')
    .set({ deleted: 1, deleted_at: time })
    .where('instance_id', '=', id)
    .execute()
  await db.deleteFrom('conductor_lastseen').where('instance_id', '=', id).execute()
}

function json(value: object | null | undefined): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value)
}
