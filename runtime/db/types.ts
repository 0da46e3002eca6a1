import type { DatastoreRegistrar } from '../../registry/db/types.ts'
import type { Flavor } from '../model/flavor.ts'

/**
 * The infrastructure database: everything that must outlive a process. SQLite for one machine, MySQL or MariaDB past it;
 * the same repositories and the same tests on both. Tables and columns carry Trove's names (contract §5.1).
 *
 * Times are Dates, UTC, whole seconds where Trove stores seconds. Rows are deleted softly where Trove does so.
 */
export interface Database {
  readonly instances: InstanceRepository
  readonly statuses: StatusRepository
  readonly quotas: QuotaRepository
  readonly tasks: TaskRepository
  readonly rootHistory: RootHistoryRepository
  readonly securityGroups: SecurityGroupRepository
  readonly messages: MessageRepository
  readonly datastores: DatastoreRegistrar
  /** All or nothing. Repositories of the inner database act inside the transaction. Do no I/O but SQL in it. */
  readonly transaction: <T>(work: (inside: Database) => Promise<T>) => Promise<T>
  readonly close: () => Promise<void>
}

export interface InstanceRow {
  readonly id: string
  readonly name: string
  readonly tenant_id: string
  readonly task_code: number
  readonly created: Date
  readonly updated: Date
  readonly deleted: boolean
  readonly deleted_at: Date | null
  readonly hostname: string | null
  readonly compute_instance_id: string | null
  readonly volume_id: string | null
  readonly volume_size: number | null
  readonly flavor_id: string
  /** The last state of the server that the task manager saw, in Nova's words. */
  readonly server_status: string | null
  readonly datastore_version_id: string
  readonly configuration_id: string | null
  readonly slave_of_id: string | null
  readonly cluster_id: string | null
  readonly shard_id: string | null
  readonly type: string | null
  readonly region_id: string | null
  /** Addresses, as the API shows them in `ip`. */
  readonly addresses: readonly string[]
  /** The guest's transport secret, sealed (lib/seal). */
  readonly encrypted_key: string | null
  readonly access: { readonly is_public?: boolean; readonly allowed_cidrs?: readonly string[] } | null
}

/** An instance with all that a view of it needs: one query, no further look-ups. */
export interface InstanceRecord extends InstanceRow {
  readonly service_code: number
  readonly service_updated: Date | null
  readonly volume_used_bytes: number | null
  readonly volume_total_bytes: number | null
  readonly datastore_id: string
  readonly datastore_name: string
  readonly datastore_version_name: string
  readonly datastore_version_number: string | null
  readonly datastore_manager: string
  readonly replica_ids: readonly string[]
  readonly fault: InstanceFault | null
}

export interface InstanceFault {
  readonly message: string
  readonly details: string
  readonly created: Date
}

export interface NewInstance {
  readonly id: string
  readonly name: string
  readonly tenant_id: string
  readonly flavor_id: string
  readonly volume_size: number | null
  readonly datastore_version_id: string
  readonly task_code: number
  readonly hostname?: string
  readonly configuration_id?: string
  readonly slave_of_id?: string
  readonly region_id?: string
  readonly access?: InstanceRow['access']
  readonly created: Date
}

export interface InstanceQuery {
  /** All tenants when absent. */
  readonly tenantId?: string
  readonly limit: number
  /** Rows with a greater id, in order of id (contract §1.1). */
  readonly marker?: string
  readonly includeClustered?: boolean
  readonly deleted?: boolean
}

export type InstancePatch = Partial<
  Pick<
    InstanceRow,
    | 'name'
    | 'task_code'
    | 'hostname'
    | 'compute_instance_id'
    | 'volume_id'
    | 'volume_size'
    | 'flavor_id'
    | 'server_status'
    | 'datastore_version_id'
    | 'configuration_id'
    | 'slave_of_id'
    | 'addresses'
    | 'encrypted_key'
    | 'access'
    | 'type'
  >
>

export interface InstanceRepository {
  /** The row and its service status NEW. */
  readonly create: (instance: NewInstance) => Promise<void>
  /** @param tenantId another tenant's instance is not found */
  readonly get: (
    id: string,
    options?: { readonly tenantId?: string; readonly deleted?: boolean },
  ) => Promise<InstanceRecord | undefined>
  /** @returns at most `limit` records and the marker of the next page, if there is one */
  readonly list: (
    query: InstanceQuery,
  ) => Promise<{ readonly records: readonly InstanceRecord[]; readonly nextMarker: string | undefined }>
  /**
   * Changes columns and `updated`.
   * @param expectTasks change only when the row's task is one of these
   * @returns whether a row was changed
   */
  readonly update: (id: string, patch: InstancePatch, expectTasks?: readonly number[]) => Promise<boolean>
  /** Marks deleted: task NONE, service DELETED, `deleted_at` now. Idempotent. */
  readonly softDelete: (id: string) => Promise<void>
  readonly addFault: (id: string, message: string, details: string) => Promise<void>
  /** All that are not deleted: for the reconciler. */
  readonly living: () => Promise<readonly InstanceRow[]>
}

export interface Heartbeat {
  readonly instanceId: string
  /** Code of SERVICE_STATUSES; absent keeps the stored one. */
  readonly serviceCode?: number
  readonly volumeUsedBytes?: number
  readonly volumeTotalBytes?: number
  readonly agentVersion?: string
  /** The guest's clock, seconds; a message not newer than the last one kept is dropped (contract §4.2). */
  readonly sent: number
}

export interface StatusRepository {
  readonly set: (instanceId: string, serviceCode: number) => Promise<void>
  readonly get: (
    instanceId: string,
  ) => Promise<{ readonly code: number; readonly updated: Date | null } | undefined>
  /**
   * Many heartbeats in one transaction. Unknown or deleted instances are skipped.
   * @returns how many were kept; the rest was stale or nobody's
   */
  readonly applyHeartbeats: (heartbeats: readonly Heartbeat[]) => Promise<number>
  /** The staleness rule for another method: true when `sent` is newer than the last, which it then replaces. */
  readonly isFresh: (instanceId: string, method: string, sent: number) => Promise<boolean>
}

export type QuotaResource = 'instances' | 'volumes' | 'backups' | 'ram'

export interface QuotaUsage {
  readonly resource: QuotaResource
  readonly in_use: number
  readonly reserved: number
  readonly limit: number
}

export interface QuotaRepository {
  /** One for each resource; the limit is the tenant's own or the default. */
  readonly usages: (
    tenantId: string,
    defaults: Readonly<Record<string, number>>,
  ) => Promise<readonly QuotaUsage[]>
  readonly setLimit: (tenantId: string, resource: QuotaResource, limit: number) => Promise<void>
  /**
   * Adds to `in_use` (contract §5.2). Call it inside the transaction that makes or deletes the row it counts.
   * Never below 0. A negative limit means none.
   * @throws CofferError QUOTA_EXCEEDED naming every resource over its limit, sorted; nothing is changed then
   */
  readonly change: (
    tenantId: string,
    deltas: Partial<Record<QuotaResource, number>>,
    defaults: Readonly<Record<string, number>>,
  ) => Promise<void>
  /**
   * Counts anew what exists: instances that are not deleted, and the GiB of their volumes. For the reconciler.
   *
   * @param tenantId all tenants when absent
   * @param ramOf MiB of a flavor; absent leaves `ram` as it is
   * @returns what was wrong and has been put right
   */
  readonly recount: (
    tenantId?: string,
    ramOf?: (flavorId: string) => number,
  ) => Promise<readonly QuotaCorrection[]>
}

export interface QuotaCorrection {
  readonly tenantId: string
  readonly resource: QuotaResource
  readonly was: number
  readonly is: number
}

export type TaskState = 'queued' | 'running' | 'undoing' | 'done' | 'failed'

/** A piece of work for a task manager, and its journal. */
export interface TaskRecord {
  readonly id: string
  /** Name of a flow: create_instance, delete_instance, restart … (contract §4.1). */
  readonly kind: string
  readonly instanceId: string
  readonly tenantId: string
  /** JSON text, sealed: it holds passwords. Emptied when the task ends. */
  readonly args: string
  readonly state: TaskState
  readonly owner: string | null
  readonly attempts: number
  readonly requestId: string | null
  readonly errorCode: string | null
  readonly errorMessage: string | null
  readonly created: Date
}

export interface StepRecord {
  readonly name: string
  readonly state: 'started' | 'done' | 'undone'
  /** JSON text: what the step needs to be repeated or undone. */
  readonly data: string
  readonly started: Date
  readonly finished: Date | null
}

export interface TaskRepository {
  readonly enqueue: (task: {
    readonly id: string
    readonly kind: string
    readonly instanceId: string
    readonly tenantId: string
    readonly args: string
    readonly requestId?: string
  }) => Promise<void>
  /**
   * Takes the oldest task that nobody holds: queued, or running under a lease that ran out. Tasks of one instance are
   * taken in order, one at a time.
   *
   * @param owner new for each claim, `<process>/<uuid>`: it tells this holder from the same process's earlier one
   */
  readonly claim: (owner: string, leaseMs: number, now: Date) => Promise<TaskRecord | undefined>
  /** @returns false when the lease is lost: stop at once */
  readonly renew: (taskId: string, owner: string, leaseMs: number, now: Date) => Promise<boolean>
  readonly setState: (
    taskId: string,
    owner: string,
    state: TaskState,
    error?: { readonly code: string; readonly message: string },
  ) => Promise<boolean>
  /** Tasks under a lease that runs, with who holds them. */
  readonly held: (now: Date) => Promise<readonly { readonly id: string; readonly owner: string }[]>
  /** Gives a task back before its lease ends. */
  readonly release: (taskId: string, owner: string) => Promise<void>
  readonly steps: (taskId: string) => Promise<readonly StepRecord[]>
  readonly startStep: (taskId: string, name: string, data: string) => Promise<void>
  readonly finishStep: (taskId: string, name: string, state: 'done' | 'undone', data: string) => Promise<void>
  readonly get: (taskId: string) => Promise<TaskRecord | undefined>
  /** In the order they came. */
  readonly ofInstance: (instanceId: string) => Promise<readonly TaskRecord[]>
  /** Removes tasks that ended before then, with their steps. @returns how many */
  readonly prune: (before: Date) => Promise<number>
}

export interface RootHistoryRepository {
  /** Keeps the first report. */
  readonly report: (instanceId: string, user: string) => Promise<void>
  readonly get: (instanceId: string) => Promise<{ readonly user: string; readonly created: Date } | undefined>
}

export interface SecurityGroupRow {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly tenant_id: string
  readonly instance_id: string
  readonly created: Date
  readonly updated: Date
  readonly rules: readonly SecurityGroupRuleRow[]
}

export interface SecurityGroupRuleRow {
  readonly id: string
  readonly group_id: string
  readonly protocol: string
  readonly from_port: number
  readonly to_port: number
  readonly cidr: string
  readonly created: Date
}

export interface SecurityGroupRepository {
  readonly create: (group: SecurityGroupRow) => Promise<void>
  readonly get: (id: string, tenantId?: string) => Promise<SecurityGroupRow | undefined>
  readonly ofInstance: (instanceId: string) => Promise<SecurityGroupRow | undefined>
  readonly list: (tenantId: string) => Promise<readonly SecurityGroupRow[]>
  readonly addRules: (rules: readonly SecurityGroupRuleRow[]) => Promise<void>
  readonly getRule: (id: string, tenantId?: string) => Promise<SecurityGroupRuleRow | undefined>
  readonly deleteRule: (id: string) => Promise<void>
  readonly deleteOfInstance: (instanceId: string) => Promise<void>
}

/** Where the embedded hub keeps persistent messages. */
export interface MessageRepository {
  /** Idempotent by id. */
  readonly put: (message: StoredMessage) => Promise<void>
  /** All or none, in this order; idempotent by id. */
  readonly putAll?: (messages: readonly StoredMessage[]) => Promise<void>
  readonly remove: (ids: readonly string[]) => Promise<void>
  readonly removeQueue: (queue: string) => Promise<void>
  /** In order of arrival. */
  readonly all: () => Promise<readonly StoredMessage[]>
}

export interface StoredMessage {
  readonly id: string
  readonly queue: string
  /** Sealed text. */
  readonly body: string
  /** JSON text of the sender. */
  readonly sender: string
  readonly expires_at: number | null
}

export type {
  DatastoreRegistrar,
  DatastoreRepository,
  DatastoreRow,
  DatastoreVersionRow,
  NewVersion,
  ParameterRow,
  VersionPatch,
} from '../../registry/db/types.ts'
export type { Flavor }
