import type { InstanceRecord } from '../db/types.ts'
import type { Flavor } from '../model/flavor.ts'
import type { EventLog } from '../transport/log.ts'

/** Tells of an instance's begin or end as Trove's usage events do: a log record with their payload keys (contract §3.7). */
export function usageEvent(
  log: EventLog,
  event: 'trove.instance.create' | 'trove.instance.delete',
  instance: InstanceRecord,
  flavor?: Flavor,
): void {
  log.info(
    {
      event,
      payload: {
        created_at: instance.created,
        name: instance.name,
        instance_id: instance.id,
        instance_name: instance.name,
        instance_type_id: instance.flavor_id,
        ...(flavor === undefined ? {} : { instance_size: flavor.ram, instance_type: flavor.name }),
        nova_instance_id: instance.compute_instance_id,
        nova_volume_id: instance.volume_id,
        region: instance.region_id,
        state: event === 'trove.instance.create' ? 'active' : 'deleted',
        tenant_id: instance.tenant_id,
        volume_size: instance.volume_size,
        service_id: instance.datastore_id,
      },
    },
    'Usage event',
  )
}
