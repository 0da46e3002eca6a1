import type { FastifyRequest } from 'fastify'
import type { InstanceRecord } from '../../db/types.ts'
import { fault } from '../../model/faults.ts'
import { INSTANCE_TASKS, instanceTask } from '../../model/instance-task.ts'
import type { ApiDeps } from '../deps.ts'
import { DELETABLE } from './task-gates.ts'
import { enqueue, nudge, quotaDefaults } from './tasks.ts'

/** Task states in which a delete is still being worked on. */
const OPEN = ['queued', 'running', 'undoing']

/**
 * Begins the deletion of an instance (Trove contract §3.4). Asked for twice it gives back the quota once, and a delete that
 * had failed is tried anew.
 *
 * @throws CofferError INSTANCE_NOT_READY while it is building, CLUSTER_INSTANCE_OPERATION_NOT_SUPPORTED,
 *   REPLICA_SOURCE_DELETE_FORBIDDEN
 */
export async function deleteInstance(
  request: FastifyRequest,
  instance: InstanceRecord,
  deps: ApiDeps,
): Promise<void> {
  if (instanceTask(instance.task_code) === INSTANCE_TASKS.BUILDING)
    throw fault('INSTANCE_NOT_READY', { id: instance.id })
  if (instance.cluster_id !== null) throw fault('CLUSTER_INSTANCE_OPERATION_NOT_SUPPORTED')
  if (instance.replica_ids.length > 0) throw fault('REPLICA_SOURCE_DELETE_FORBIDDEN')
  const flavor = (await deps.flavors()).find((one) => one.id === instance.flavor_id)
  await deps.db.transaction(async (inside) => {
    const patch = { task_code: INSTANCE_TASKS.DELETING.code, configuration_id: null }
    const begun = await inside.instances.update(instance.id, patch, DELETABLE)
    if (begun) {
      const deltas = { instances: -1, volumes: -(instance.volume_size ?? 0), ram: -(flavor?.ram ?? 0) }
      await inside.quotas.change(instance.tenant_id, deltas, quotaDefaults(deps.settings))
    } else {
      const tasks = await inside.tasks.ofInstance(instance.id)
      if (tasks.some((task) => task.kind === 'delete_instance' && OPEN.includes(task.state))) return
    }
    await enqueue(inside, request, deps, 'delete_instance', instance, {})
  })
  nudge(request, deps)
}
