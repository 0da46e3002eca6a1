import type { DatastoreRow, DatastoreVersionRow } from '../../db/types.ts'
import { fault } from '../../model/faults.ts'
import type { ApiDeps } from '../deps.ts'

/** What a create says of its datastore. */
interface DatastoreWish {
  readonly type?: string
  readonly version?: string
  readonly version_number?: string
}

/** The datastore named, else the option's, else the only one that there is. */
async function chooseDatastore(type: string | undefined, deps: ApiDeps): Promise<DatastoreRow> {
  const { datastores } = deps.db
  if (type !== undefined) {
    const named = await datastores.get(type)
    if (named === undefined) throw fault('DATASTORE_NOT_FOUND', { datastore: type })
    return named
  }
  const byOption = deps.settings.defaultDatastore
  if (byOption !== undefined && byOption !== '') {
    const fallback = await datastores.get(byOption)
    if (fallback === undefined) throw fault('DATASTORE_DEFAULT_NOT_FOUND', { datastore: byOption })
    return fallback
  }
  const [only, ...more] = await datastores.list()
  if (only === undefined || more.length > 0) throw fault('DATASTORE_DEFAULT_NOT_DEFINED')
  return only
}

/**
 * The datastore version that an instance is made of (Trove contract §1.4).
 *
 * @throws CofferError DATASTORE_NOT_FOUND (404), else 400: DATASTORE_DEFAULT_NOT_FOUND, DATASTORE_DEFAULT_NOT_DEFINED,
 *   DATASTORE_DEFAULT_VERSION_NOT_FOUND, DATASTORE_NO_VERSION, DATASTORE_VERSION_INACTIVE, BAD_REQUEST when a name fits two
 */
export async function chooseVersion(wish: DatastoreWish, deps: ApiDeps): Promise<DatastoreVersionRow> {
  const datastore = await chooseDatastore(wish.type, deps)
  const versions = await deps.db.datastores.versions(datastore.id)
  const chosen = pickVersion(datastore, versions, wish)
  if (!chosen.active) throw fault('DATASTORE_VERSION_INACTIVE', { version: chosen.name })
  return chosen
}

function pickVersion(
  datastore: DatastoreRow,
  versions: readonly DatastoreVersionRow[],
  wish: DatastoreWish,
): DatastoreVersionRow {
  const { version: wanted, version_number: number } = wish
  if (wanted === undefined && number === undefined) {
    const fallback = versions.find((version) => version.id === datastore.default_version_id)
    if (fallback === undefined)
      throw fault('DATASTORE_DEFAULT_VERSION_NOT_FOUND', { datastore: datastore.name })
    return fallback
  }
  const byId = versions.find((version) => version.id === wanted)
  if (byId !== undefined) return byId
  const [first, ...more] = versions.filter(
    (version) =>
      (wanted === undefined || version.name === wanted) &&
      (number === undefined || (version.version ?? version.name) === number),
  )
  const name = wanted ?? number ?? ''
  if (first === undefined) throw fault('DATASTORE_NO_VERSION', { datastore: datastore.name, version: name })
  if (more.length > 0) {
    const reason = `Multiple datastore versions found for '${name}', use an UUID or specify both the name and version number to be more specific.`
    throw fault('BAD_REQUEST', { reason })
  }
  return first
}
