import type { Generated } from 'kysely'
import type { RegistryTables } from '../../registry/db/index.ts'

/** Trove's tables by its names (contract §5.1), then our own. Flags are 0 or 1, times are text in UTC (lib/sql/time). */
export interface RuntimeTables extends RegistryTables {
  readonly instances: InstancesTable
  readonly service_statuses: {
    readonly id: string
    readonly instance_id: string
    readonly status_id: number
    readonly status_description: string
    readonly updated_at: string | null
  }
  readonly agent_heartbeats: {
    readonly id: string
    readonly instance_id: string
    readonly guest_agent_version: string | null
    readonly deleted: number
    readonly deleted_at: string | null
    readonly updated_at: string
    readonly volume_used: number | null
    readonly volume_total: number | null
  }
  readonly conductor_lastseen: {
    readonly instance_id: string
    readonly method_name: string
    readonly sent: number
  }
  readonly instance_faults: {
    readonly id: string
    readonly instance_id: string
    readonly message: string
    readonly details: string
    readonly created: string
    readonly updated: string
    readonly deleted: number
    readonly deleted_at: string | null
  }
  readonly root_enabled_history: { readonly id: string; readonly user: string; readonly created: string }
  readonly quotas: {
    readonly id: string
    readonly created: string
    readonly updated: string
    readonly tenant_id: string
    readonly resource: string
    readonly hard_limit: number
  }
  readonly quota_usages: {
    readonly id: string
    readonly created: string
    readonly updated: string
    readonly tenant_id: string
    readonly in_use: number
    readonly reserved: number
    readonly resource: string
  }
  readonly security_groups: SoftlyDeleted & {
    readonly id: string
    readonly name: string
    readonly description: string
    readonly user: string | null
    readonly tenant_id: string
  }
  readonly security_group_instance_associations: SoftlyDeleted & {
    readonly id: string
    readonly security_group_id: string
    readonly instance_id: string
  }
  readonly security_group_rules: SoftlyDeleted & {
    readonly id: string
    readonly group_id: string
    readonly parent_group_id: string | null
    readonly protocol: string
    readonly from_port: number
    readonly to_port: number
    readonly cidr: string
  }
  readonly tasks: TasksTable
  readonly task_steps: {
    readonly seq: Generated<number>
    readonly task_id: string
    readonly name: string
    readonly state: 'started' | 'done' | 'undone'
    readonly data: string
    readonly started: string
    readonly finished: string | null
  }
  readonly messages: {
    readonly seq: Generated<number>
    readonly id: string
    readonly queue: string
    readonly body: string
    readonly sender: string
    readonly expires_at: number | null
  }
}

interface SoftlyDeleted {
  readonly created: string
  readonly updated: string
  readonly deleted: number
  readonly deleted_at: string | null
}

export interface InstancesTable extends SoftlyDeleted {
  readonly id: string
  readonly name: string
  readonly hostname: string | null
  readonly compute_instance_id: string | null
  readonly task_id: number
  readonly task_description: string
  readonly task_start_time: string | null
  readonly volume_id: string | null
  readonly flavor_id: string
  readonly volume_size: number | null
  readonly tenant_id: string
  readonly server_status: string | null
  readonly datastore_version_id: string
  readonly configuration_id: string | null
  readonly slave_of_id: string | null
  readonly cluster_id: string | null
  readonly shard_id: string | null
  readonly type: string | null
  readonly region_id: string | null
  readonly encrypted_key: string | null
  /** JSON text. */
  readonly access: string | null
  /** JSON text: a list. Our own column. */
  readonly addresses: string
}

export interface TasksTable {
  readonly seq: Generated<number>
  readonly id: string
  readonly kind: string
  readonly instance_id: string
  readonly tenant_id: string
  readonly args: string
  readonly state: 'queued' | 'running' | 'undoing' | 'done' | 'failed'
  readonly owner: string | null
  /** Milliseconds since the epoch, by the clock of the holder. */
  readonly lease_until: number | null
  readonly attempts: number
  readonly request_id: string | null
  readonly error_code: string | null
  readonly error_message: string | null
  readonly created: string
  readonly updated: string
}
