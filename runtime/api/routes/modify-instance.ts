import type { InstanceRecord } from '../../db/types.ts'
import { fault } from '../../model/faults.ts'
import { instanceStatus } from '../../model/instance-status.ts'
import { INSTANCE_TASKS } from '../../model/instance-task.ts'
import type { ApiDeps } from '../deps.ts'
import type { AccessBody, ModifyBody } from '../schemas/wire.ts'
import { storedFacts } from '../views/instance.ts'
import { given, notImplemented } from './not-implemented.ts'
import { FREE_TASKS } from './task-gates.ts'

const notYet = (what: string) => notImplemented(`${what} is`)

/**
 * PUT and PATCH of an instance, one rule for old and new clients (Trove contract §10.1 point 1): an empty object or an explicit
 * `configuration: null` detaches the configuration group; every other key touches only what it names.
 *
 * @throws CofferError BAD_REQUEST, NOT_IMPLEMENTED, INSTANCE_NOT_AVAILABLE
 */
export async function modifyInstance(
  instance: InstanceRecord,
  body: ModifyBody,
  deps: ApiDeps,
): Promise<void> {
  // Everything is checked before anything changes.
  if ('replica_of' in body || 'slave_of' in body) refuseDetach(instance, body)
  if (given(body.datastore_version)) throw notYet('Upgrading an instance')
  const detach = Object.keys(body).length === 0 || ('configuration' in body && !given(body.configuration))
  if (given(body.configuration) && configurationId(body.configuration) !== instance.configuration_id)
    throw notYet('Attaching a configuration group')
  if (body.access !== undefined) refuseAccess(instance, body.access)

  const detached = detach && instance.configuration_id !== null
  const patch = {
    ...(body.name === undefined ? {} : { name: body.name }),
    // Restart required always, whatever the group held (contract §3.4).
    ...(detached ? { configuration_id: null, task_code: INSTANCE_TASKS.RESTART_REQUIRED.code } : {}),
  }
  if (Object.keys(patch).length === 0) return
  // A detach sets a task, so no other task may run; a new name disturbs none.
  const changed = await deps.db.instances.update(instance.id, patch, detached ? FREE_TASKS : undefined)
  if (!changed) {
    const status = instanceStatus(storedFacts(instance))
    throw fault('INSTANCE_NOT_AVAILABLE', { id: instance.id, status })
  }
}

function refuseDetach(instance: InstanceRecord, body: ModifyBody): void {
  if (instance.slave_of_id === null)
    throw fault('BAD_REQUEST', { reason: `Instance ${instance.id} is not a replica.` })
  // A view that is sent back names the source as it is.
  if (configurationId(body.replica_of) !== instance.slave_of_id) throw notYet('Detaching a replica')
}

/** Sending back the access that an instance has changes nothing; other rules are not carried out yet. */
function refuseAccess(instance: InstanceRecord, access: AccessBody): void {
  const ranges = (value: readonly string[] | undefined) => JSON.stringify(value ?? [])
  const same =
    (access.is_public ?? false) === (instance.access?.is_public ?? false) &&
    ranges(access.allowed_cidrs) === ranges(instance.access?.allowed_cidrs)
  if (!same) throw notYet('Access from public networks or limited to ranges of addresses')
}

/** The id in an id, a URL, or the object that a view shows. */
function configurationId(value: unknown): string | undefined {
  if (typeof value === 'string') return value.split('/').at(-1)
  if (typeof value !== 'object' || value === null) return undefined
  const { id } = value as { readonly id?: unknown }
  return typeof id === 'string' ? id : undefined
}
