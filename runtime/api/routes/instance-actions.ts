import type { FastifyRequest } from 'fastify'
import type { InstanceRecord } from '../../db/types.ts'
import { fault } from '../../model/faults.ts'
import { instanceStatus, whyNoAction } from '../../model/instance-status.ts'
import { INSTANCE_TASKS } from '../../model/instance-task.ts'
import { SERVICE_STATUSES } from '../../model/service-status.ts'
import type { TaskKind } from '../../model/task-args.ts'
import type { ApiDeps } from '../deps.ts'
import { storedFacts } from '../views/instance.ts'
import { notImplemented } from './not-implemented.ts'
import { FREE_TASKS, NOT_DELETING } from './task-gates.ts'
import { enqueue, nudge } from './tasks.ts'

type Action = (request: FastifyRequest, instance: InstanceRecord, deps: ApiDeps) => Promise<void>

/**
 * Starts a task if nothing else is being done to the instance: the gate of contract §3.4, held again by the row's own
 * change, so that two requests cannot both pass.
 *
 * @throws CofferError INSTANCE_NOT_AVAILABLE (422)
 */
export async function startTask(
  request: FastifyRequest,
  instance: InstanceRecord,
  deps: ApiDeps,
  kind: Extract<TaskKind, 'restart' | 'reboot'>,
): Promise<void> {
  const busy = (status: string) => fault('INSTANCE_NOT_AVAILABLE', { id: instance.id, status })
  const why = whyNoAction(storedFacts(instance))
  if (why !== undefined) throw busy(why)
  await deps.db.transaction(async (inside) => {
    const taken = await inside.instances.update(
      instance.id,
      { task_code: INSTANCE_TASKS.REBOOTING.code },
      FREE_TASKS,
    )
    if (!taken)
      throw busy(instanceStatus({ ...storedFacts(instance), taskCode: INSTANCE_TASKS.REBOOTING.code }))
    await enqueue(inside, request, deps, kind, instance, {})
  })
  nudge(request, deps)
}

const restart: Action = async (request, instance, deps) => {
  if (instance.cluster_id !== null && !request.auth.isAdmin)
    throw fault('CLUSTER_INSTANCE_OPERATION_NOT_SUPPORTED')
  await startTask(request, instance, deps, 'restart')
}

/** Makes an instance that is stuck an instance in error, so that it can be deleted. */
const resetStatus: Action = async (request, instance, deps) => {
  if (!request.auth.isAdmin) throw fault('POLICY_NOT_AUTHORIZED', { action: 'instance:reset_status' })
  await deps.db.transaction(async (inside) => {
    const patch = { task_code: INSTANCE_TASKS.BUILDING_ERROR_SERVER.code }
    // A delete that hangs stays one: asking for it again begins it anew.
    await inside.instances.update(instance.id, patch, NOT_DELETING)
    await inside.statuses.set(instance.id, SERVICE_STATUSES.UNKNOWN.code)
  })
}

const notYet =
  (what: string): Action =>
  async () => {
    throw notImplemented(`${what} is`)
  }

const ACTIONS: Readonly<Record<string, Action>> = {
  restart,
  reset_status: resetStatus,
  resize: notYet('Resizing an instance'),
  promote_to_replica_source: notYet('Promoting a replica'),
  eject_replica_source: notYet('Ejecting a replica source'),
  // Trove itself never had it (contract §1.3).
  reset_password: notYet('Resetting the password of an instance'),
}

/**
 * POST /instances/{id}/action.
 *
 * @throws CofferError BAD_REQUEST unless the body has exactly one known action; else what the action throws
 */
export async function act(
  request: FastifyRequest,
  instance: InstanceRecord,
  body: Readonly<Record<string, unknown>>,
  deps: ApiDeps,
): Promise<void> {
  const [name, ...more] = Object.keys(body)
  const action = name !== undefined && Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
  if (action === undefined || more.length > 0) throw fault('BAD_REQUEST', { reason: 'Invalid request body.' })
  await action(request, instance, deps)
}
