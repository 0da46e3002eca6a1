import { randomUUID } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { CofferError } from '../../../lib/errors.ts'
import type { DatastoreVersionRow, InstanceRecord } from '../../db/types.ts'
import { fault } from '../../model/faults.ts'
import type { Flavor } from '../../model/flavor.ts'
import { INSTANCE_TASKS } from '../../model/instance-task.ts'
import { generatePassword } from '../../model/password.ts'
import type { CreateInstanceArgs } from '../../model/task-args.ts'
import type { ApiDeps } from '../deps.ts'
import type { CreateBody } from '../schemas/wire.ts'
import { chooseVersion } from './datastore-choice.ts'
import { guestDatabases, guestUsers, nameContext } from './guest-values.ts'
import { given, notImplemented } from './not-implemented.ts'
import { enqueue, nudge, quotaDefaults } from './tasks.ts'

/** Makes the row, takes the quota and leaves the task, all in one transaction (Trove contract §3.4, in its order). */
export async function createInstance(
  request: FastifyRequest,
  body: CreateBody,
  deps: ApiDeps,
): Promise<{ readonly record: InstanceRecord; readonly password: string | undefined }> {
  const version = await chooseVersion(body.datastore ?? {}, deps)
  const names = nameContext(version.manager, deps.settings)
  const databases = guestDatabases(body.databases ?? [], names)
  const users = guestUsers(body.users ?? [], names, new Set(databases.map((database) => database._name)))
  const flavor = await chooseFlavor(body.flavorRef, deps)
  const volumeSize = chooseVolume(body, version, flavor, deps)
  refuseWhatIsMissing(body)

  const password = deps.settings.datastore(version.manager).rootOnCreate ? generatePassword() : undefined
  const args: CreateInstanceArgs = {
    flavor,
    databases,
    users,
    imageId: version.image_id,
    packages: version.packages.split(',').filter((name) => name.trim() !== ''),
    datastore: {
      id: version.datastore_id,
      name: version.datastore_name,
      versionId: version.id,
      versionName: version.name,
      manager: version.manager,
    },
    volumeSize,
    ...(password === undefined ? {} : { rootPassword: password }),
    ...(body.availability_zone === undefined ? {} : { availabilityZone: body.availability_zone }),
    ...(body.nics === undefined ? {} : { nics: body.nics }),
  }
  const record = await store(request, body, args, deps)
  nudge(request, deps)
  return { record, password }
}

async function store(
  request: FastifyRequest,
  body: CreateBody,
  args: CreateInstanceArgs,
  deps: ApiDeps,
): Promise<InstanceRecord> {
  const { projectId: tenantId, userName } = request.auth
  const id = randomUUID()
  return await deps.db.transaction(async (inside) => {
    const deltas = { instances: 1, volumes: args.volumeSize ?? 0, ram: args.flavor.ram }
    await inside.quotas.change(tenantId, deltas, quotaDefaults(deps.settings))
    await inside.instances.create({
      id,
      name: body.name,
      tenant_id: tenantId,
      flavor_id: args.flavor.id,
      volume_size: args.volumeSize,
      datastore_version_id: args.datastore.versionId,
      task_code: INSTANCE_TASKS.BUILDING.code,
      region_id: deps.settings.region,
      access: { is_public: false },
      created: deps.clock.now(),
    })
    if (args.rootPassword !== undefined) await inside.rootHistory.report(id, userName)
    await enqueue(inside, request, deps, 'create_instance', { id, tenant_id: tenantId }, args)
    const record = await inside.instances.get(id)
    if (record === undefined)
      throw new CofferError('INSTANCE_ROW_MISSING', `The row of instance ${id} vanished as it was made`)
    return record
  })
}

/** @throws CofferError FLAVOR_NOT_FOUND, which is a 400 here */
async function chooseFlavor(ref: CreateBody['flavorRef'], deps: ApiDeps): Promise<Flavor> {
  if (ref === undefined) throw fault('MISSING_KEY', { key: 'flavorRef' })
  // A URL's last step is the id (contract §1.3).
  const id = String(ref).replace(/\/+$/, '').split('/').at(-1) ?? ''
  const flavor = (await deps.flavors()).find((one) => one.id === id)
  if (flavor === undefined) throw fault('FLAVOR_NOT_FOUND', { uuid: id })
  return flavor
}

/** @returns gigabytes, or null for an instance that keeps its data on the root disk */
function chooseVolume(
  body: CreateBody,
  version: DatastoreVersionRow,
  flavor: Flavor,
  deps: ApiDeps,
): number | null {
  const own = deps.settings.datastore(version.manager)
  if (deps.settings.troveVolumeSupport && own.volumeSupport) {
    const size = Number(body.volume?.size ?? 0)
    if (size === 0) throw fault('VOLUME_SIZE_NOT_SPECIFIED')
    const max = deps.settings.maxAcceptedVolumeSize
    if (size > max) throw fault('VOLUME_TOO_LARGE', { max, size: String(body.volume?.size) })
    return size
  }
  if (body.volume !== undefined) throw fault('VOLUME_NOT_SUPPORTED')
  // A datastore that wants a disk of its own gets the flavor's second one.
  if (own.devicePath !== '' && flavor.ephemeral === 0)
    throw fault('LOCAL_STORAGE_NOT_SPECIFIED', { flavor: flavor.id })
  return null
}

/** What a create may ask for and this service cannot do yet. Doing the rest silently would be worse than refusing. */
function refuseWhatIsMissing(body: CreateBody): void {
  const missing = (what: string) => notImplemented(`${what} is`)
  if (given(body.restorePoint)) throw missing('Creating an instance from a backup')
  if (given(body.replica_of) || given(body.slave_of)) throw missing('Creating a replica')
  if ((body.replica_count ?? 1) > 1) {
    const reason = `Replica count only valid when creating replicas. Cannot create ${body.replica_count} instances.`
    throw fault('BAD_REQUEST', { reason })
  }
  if (given(body.configuration)) throw missing('Attaching a configuration group')
  if ((body.modules ?? []).length > 0) throw missing('Applying modules')
  if (body.access?.is_public === true || (body.access?.allowed_cidrs ?? []).length > 0)
    throw missing('Access from public networks or limited to ranges of addresses')
}
