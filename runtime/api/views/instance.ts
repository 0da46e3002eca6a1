import type { InstanceRecord } from '../../db/types.ts'
import { instanceStatus, operatingStatus, type StatusFacts } from '../../model/instance-status.ts'
import { INSTANCE_TASKS, instanceTask } from '../../model/instance-task.ts'
import { SERVICE_STATUSES, serviceStatusOfCode } from '../../model/service-status.ts'
import type { Links } from '../frame/links.ts'
import { apiTime } from '../frame/time.ts'

/** What a view needs besides the record. */
export interface ViewContext {
  readonly links: Links
  readonly now: Date
  /** Seconds without a heartbeat after which a guest counts as lost. */
  readonly heartbeatExpiry: number
  readonly region: string
  readonly isAdmin: boolean
}

const GIB = 1024 ** 3
const twoPlaces = (value: number) => Math.round(value * 100) / 100

/** What the record says of the instance's state; gates ask these, not the shown ones. */
export function storedFacts(record: InstanceRecord): StatusFacts {
  return {
    taskCode: record.task_code,
    serviceCode: record.service_code,
    serverStatus: record.server_status,
    backupRunning: false,
  }
}

/**
 * The facts that users are shown: a service that was well when it was last heard of, and was not heard of for too long, is
 * shown as ERROR while nothing is being done to the instance (Trove contract §3.3).
 */
export function shownFacts(
  record: InstanceRecord,
  context: Pick<ViewContext, 'now' | 'heartbeatExpiry'>,
): StatusFacts {
  const facts = storedFacts(record)
  const healthy = ['ACTIVE', 'HEALTHY', 'BLOCKED'].includes(
    serviceStatusOfCode(record.service_code).apiStatus,
  )
  const idle = instanceTask(record.task_code) === INSTANCE_TASKS.NONE
  if (!healthy || !idle || record.service_updated === null) return facts
  const age = (context.now.getTime() - record.service_updated.getTime()) / 1000
  return age > context.heartbeatExpiry ? { ...facts, serviceCode: SERVICE_STATUSES.UNKNOWN.code } : facts
}

/** InstanceView: an item of a list (contract §1.3). Keys without a value are left out, never null (contract §10.1 point 10). */
export function instanceView(record: InstanceRecord, context: ViewContext) {
  const { links } = context
  const facts = shownFacts(record, context)
  return {
    id: record.id,
    name: record.name,
    status: instanceStatus(facts),
    operating_status: operatingStatus(facts),
    links: links('instances', record.id),
    flavor: { id: record.flavor_id, links: links('flavors', record.flavor_id) },
    datastore: { type: record.datastore_name, version: record.datastore_version_name },
    ...(record.volume_size === null ? {} : { volume: { size: record.volume_size } }),
    ...where(record),
    region: record.region_id ?? context.region,
    access: { is_public: false, ...record.access },
    ...(record.slave_of_id === null ? {} : { replica_of: ref('instances', record.slave_of_id, links) }),
    // A list of none would make clients call the instance a replica source (contract §2.5 point 5).
    ...(record.replica_ids.length === 0
      ? {}
      : { replicas: record.replica_ids.map((id) => ref('instances', id, links)) }),
    ...(context.isAdmin ? { tenant_id: record.tenant_id } : {}),
  }
}

/** InstanceDetailView: one instance, and every item of `/instances/detail`. */
export function instanceDetailView(record: InstanceRecord, context: ViewContext) {
  const view = instanceView(record, context)
  const used = volumeUsage(record)
  return {
    ...view,
    datastore: {
      ...view.datastore,
      version_number: record.datastore_version_number ?? record.datastore_version_name,
    },
    ...(view.volume === undefined ? {} : { volume: { ...view.volume, ...used } }),
    ...(view.volume === undefined && used.used !== undefined ? { local_storage: { used: used.used } } : {}),
    created: apiTime(record.created),
    updated: apiTime(record.updated),
    ...(record.service_updated === null ? {} : { service_status_updated: apiTime(record.service_updated) }),
    ...(record.configuration_id === null
      ? {}
      : { configuration: ref('configurations', record.configuration_id, context.links) }),
    ...(record.cluster_id === null ? {} : { cluster_id: record.cluster_id }),
    ...(record.shard_id === null ? {} : { shard_id: record.shard_id }),
    ...(record.fault === null ? {} : { fault: { ...record.fault, created: apiTime(record.fault.created) } }),
    ...(context.isAdmin ? serverIds(record) : {}),
  }
}

const ref = (collection: string, id: string, links: Links) => ({ id, links: links(collection, id) })

/** `hostname` or `ip`, whichever there is (contract §1.3). */
function where(record: InstanceRecord) {
  if (record.hostname !== null) return { hostname: record.hostname }
  if (record.addresses.length === 0) return {}
  return {
    ip: record.addresses,
    addresses: record.addresses.map((address) => ({ address, type: 'private' })),
  }
}

/** Gigabytes in use as the guest last said, while it is there to say so. */
function volumeUsage(record: InstanceRecord): { readonly used?: number; readonly used_percent?: number } {
  const going = ['BUILDING', 'DELETING'].includes(instanceTask(record.task_code).action)
  if (record.volume_used_bytes === null || going) return {}
  const used = twoPlaces(record.volume_used_bytes / GIB)
  if (record.volume_total_bytes === null || record.volume_total_bytes === 0) return { used }
  return { used, used_percent: twoPlaces((100 * record.volume_used_bytes) / record.volume_total_bytes) }
}

function serverIds(record: InstanceRecord) {
  return {
    ...(record.compute_instance_id === null ? {} : { server_id: record.compute_instance_id }),
    ...(record.volume_id === null ? {} : { volume_id: record.volume_id }),
    encrypted_rpc_messaging: record.encrypted_key !== null,
  }
}
