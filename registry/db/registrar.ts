import { randomUUID } from 'node:crypto'
import { CofferError } from '../../lib/errors.ts'
import { isDuplicate, isReferenced, type SqlScope } from '../../lib/sql/index.ts'
import { datastoreRepository } from './datastores.ts'
import { putParameters } from './parameters.ts'
import type { RegistryTables } from './tables.ts'
import type {
  DatastoreRegistrar,
  DatastoreRepository,
  DatastoreRow,
  DatastoreVersionRow,
  NewVersion,
  VersionPatch,
} from './types.ts'

type Scope = SqlScope<RegistryTables>

/** Datastores and versions, to read and to write (contract §5.3). */
export function datastoreRegistrar(scope: Scope): DatastoreRegistrar {
  const reading = datastoreRepository(scope)
  return {
    ...reading,
    findVersion: (datastore, version, number) => findVersion(reading, datastore, version, number),
    putDatastore: (name, defaultVersion = '') =>
      scope.transaction((inside) => putDatastore(inside, name, defaultVersion)),
    putVersion: (version) => scope.transaction((inside) => putVersion(inside, version)),
    patchVersion: (id, patch) => patchVersion(scope, id, patch),
    deleteVersion: (id) => scope.transaction((inside) => deleteVersion(inside, id)),
    deleteDatastore: (id) => scope.transaction((inside) => deleteDatastore(inside, id)),
    putParameters: (versionId, parameters) => putParameters(scope, versionId, parameters),
  }
}

async function findVersion(
  reading: DatastoreRepository,
  datastore: string,
  version: string,
  number: string | undefined,
): Promise<DatastoreVersionRow | undefined> {
  const owner = await reading.get(datastore)
  if (owner === undefined) return undefined
  const all = await reading.versions(owner.id)
  return (
    all.find(({ id }) => id === version) ??
    all.find(
      (candidate) => candidate.name === version && (number === undefined || candidate.version === number),
    )
  )
}

async function putDatastore(inside: Scope, name: string, defaultVersion: string): Promise<DatastoreRow> {
  const reading = datastoreRepository(inside)
  const existing = (await reading.list()).find((datastore) => datastore.name === name)
  const datastore = existing ?? { id: randomUUID(), name, default_version_id: null }
  if (existing === undefined) await inside.db.insertInto('datastores').values(datastore).execute()
  if (defaultVersion === '') return datastore
  const version = await findVersion(reading, datastore.id, defaultVersion, undefined)
  if (version === undefined) {
    throw new CofferError(
      'DATASTORE_VERSION_UNKNOWN',
      `Datastore '${name}' has no version '${defaultVersion}'`,
      {
        hint: 'Make the version first: trove-manage datastore_version_update.',
      },
    )
  }
  const changed = { ...datastore, default_version_id: version.id }
  await inside.db
    .updateTable('datastores')
    .set({ default_version_id: version.id })
    .where('id', '=', datastore.id)
    .execute()
  return changed
}

async function putVersion(inside: Scope, wanted: NewVersion): Promise<DatastoreVersionRow> {
  const reading = datastoreRepository(inside)
  const owner = await reading.get(wanted.datastore)
  if (owner === undefined) {
    throw new CofferError('DATASTORE_UNKNOWN', `There is no datastore '${wanted.datastore}'`, {
      hint: `Make it first: trove-manage datastore_update ${wanted.datastore} "".`,
    })
  }
  const number = wanted.version ?? wanted.name
  const existing = (await reading.versions(owner.id)).find(
    ({ name, version }) => name === wanted.name && version === number,
  )
  const { name, manager, image_id, packages, active } = wanted
  const row = { id: existing?.id ?? randomUUID(), datastore_id: owner.id, name, version: number }
  const columns = { ...row, manager, image_id, packages, active: active ? 1 : 0 }
  if (existing === undefined) await inside.db.insertInto('datastore_versions').values(columns).execute()
  else await inside.db.updateTable('datastore_versions').set(columns).where('id', '=', row.id).execute()
  return { ...columns, active, datastore_name: owner.name }
}

async function patchVersion({ db }: Scope, id: string, patch: VersionPatch): Promise<boolean> {
  const { active, version, ...rest } = patch
  const columns = {
    ...rest,
    ...(active === undefined ? {} : { active: active ? 1 : 0 }),
    ...(version === undefined || version === null ? {} : { version }),
  }
  if (Object.keys(columns).length === 0) {
    return (await db.selectFrom('datastore_versions').select('id').where('id', '=', id).execute()).length > 0
  }
  try {
    const update = db.updateTable('datastore_versions').set(columns).where('id', '=', id)
    return (await update.executeTakeFirstOrThrow()).numUpdatedRows > 0n
  } catch (error) {
    if (!isDuplicate(error)) throw error
    throw new CofferError(
      'DATASTORE_VERSION_EXISTS',
      `Another version has the name '${patch.name ?? ''}' already`,
      {
        hint: 'Choose another name, or another version number.',
        cause: error,
      },
    )
  }
}

async function deleteVersion({ db }: Scope, id: string): Promise<boolean> {
  await db
    .updateTable('datastores')
    .set({ default_version_id: null })
    .where('default_version_id', '=', id)
    .execute()
  await db.deleteFrom('datastore_configuration_parameters').where('datastore_version_id', '=', id).execute()
  try {
    const deletion = db.deleteFrom('datastore_versions').where('id', '=', id)
    return (await deletion.executeTakeFirstOrThrow()).numDeletedRows > 0n
  } catch (error) {
    if (!isReferenced(error)) throw error
    throw new CofferError('DATASTORE_VERSION_IN_USE', `Instances were made from datastore version '${id}'`, {
      hint: 'Make the version inactive: no new instance can use it then.',
      cause: error,
    })
  }
}

async function deleteDatastore(inside: Scope, id: string): Promise<boolean> {
  if ((await datastoreRepository(inside).versions(id)).length > 0) {
    throw new CofferError('DATASTORE_HAS_VERSIONS', `Datastore '${id}' has versions`, {
      hint: 'Delete its versions first.',
    })
  }
  const deletion = inside.db.deleteFrom('datastores').where('id', '=', id)
  return (await deletion.executeTakeFirstOrThrow()).numDeletedRows > 0n
}
