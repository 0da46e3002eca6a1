import type { Selectable } from 'kysely'
import { fromSqlTime } from '../../lib/sql/index.ts'
import { SERVICE_STATUSES } from '../model/service-status.ts'
import type { InstancesTable } from './tables.ts'
import type { InstanceRecord, InstanceRow } from './types.ts'

/** Columns that the record's one query adds to those of the instance. */
export interface RecordColumns extends Selectable<InstancesTable> {
  readonly status_id: number | null
  readonly status_updated: string | null
  readonly volume_used: number | null
  readonly volume_total: number | null
  readonly datastore_id: string
  readonly datastore_name: string
  readonly version_name: string
  readonly version_number: string | null
  readonly manager: string
  /** Ids with commas between; null when there are none. */
  readonly replicas: string | null
  readonly fault_message: string | null
  readonly fault_details: string | null
  readonly fault_created: string | null
}

export function instanceRowOf(row: Selectable<InstancesTable>): InstanceRow {
  return {
    id: row.id,
    name: row.name,
    tenant_id: row.tenant_id,
    task_code: row.task_id,
    created: fromSqlTime(row.created),
    updated: fromSqlTime(row.updated),
    deleted: row.deleted !== 0,
    deleted_at: row.deleted_at === null ? null : fromSqlTime(row.deleted_at),
    hostname: row.hostname,
    compute_instance_id: row.compute_instance_id,
    volume_id: row.volume_id,
    volume_size: row.volume_size,
    flavor_id: row.flavor_id,
    server_status: row.server_status,
    datastore_version_id: row.datastore_version_id,
    configuration_id: row.configuration_id,
    slave_of_id: row.slave_of_id,
    cluster_id: row.cluster_id,
    shard_id: row.shard_id,
    type: row.type,
    region_id: row.region_id,
    addresses: row.addresses === '[]' ? [] : (JSON.parse(row.addresses) as readonly string[]),
    encrypted_key: row.encrypted_key,
    access: row.access === null ? null : (JSON.parse(row.access) as InstanceRow['access']),
  }
}

export function instanceRecordOf(row: RecordColumns): InstanceRecord {
  return {
    ...instanceRowOf(row),
    service_code: row.status_id ?? SERVICE_STATUSES.NEW.code,
    service_updated: row.status_updated === null ? null : fromSqlTime(row.status_updated),
    volume_used_bytes: row.volume_used,
    volume_total_bytes: row.volume_total,
    datastore_id: row.datastore_id,
    datastore_name: row.datastore_name,
    datastore_version_name: row.version_name,
    datastore_version_number: row.version_number,
    datastore_manager: row.manager,
    replica_ids: row.replicas === null ? [] : row.replicas.split(',').sort(),
    fault:
      row.fault_message === null || row.fault_created === null
        ? null
        : {
            message: row.fault_message,
            details: row.fault_details ?? '',
            created: fromSqlTime(row.fault_created),
          },
  }
}
