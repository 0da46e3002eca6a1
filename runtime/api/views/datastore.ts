import type { DatastoreRow, DatastoreVersionRow, ParameterRow } from '../../db/types.ts'
import type { Links } from '../frame/links.ts'

/** A version as an item of its datastore: without the datastore's id (Trove contract §1.4). */
export function nestedVersionView(version: DatastoreVersionRow, links: Links, isAdmin: boolean) {
  return {
    id: version.id,
    name: version.name,
    version: version.version ?? version.name,
    links: links('datastores/versions', version.id),
    ...(isAdmin ? { active: version.active, packages: version.packages, image: version.image_id } : {}),
  }
}

export function versionView(version: DatastoreVersionRow, links: Links, isAdmin: boolean) {
  return { ...nestedVersionView(version, links, isAdmin), datastore: version.datastore_id }
}

/**
 * @param versions those that the caller may see
 */
export function datastoreView(
  datastore: DatastoreRow,
  versions: readonly DatastoreVersionRow[],
  links: Links,
  isAdmin: boolean,
) {
  // Named only when it is in the list: clients look it up there (contract §2.5 point 11).
  const shown = versions.some((version) => version.id === datastore.default_version_id)
  return {
    id: datastore.id,
    name: datastore.name,
    links: links('datastores', datastore.id),
    versions: versions.map((version) => nestedVersionView(version, links, isAdmin)),
    ...(shown ? { default_version: datastore.default_version_id } : {}),
  }
}

/** An integer of any size in JSON: limits reach past 2^53 (contract §10.1 point 7). */
function bigInteger(digits: string): unknown {
  // Not yet in the types of the language version that the compiler is set to.
  return (JSON as unknown as { readonly rawJSON: (text: string) => unknown }).rawJSON(
    BigInt(digits).toString(),
  )
}

/** `max` and `min` appear exactly when the rule has them; "0" is one (contract §1.4). */
export function parameterView(parameter: ParameterRow) {
  const size = (text: string | null) =>
    text === null || !/^-?\d+$/.test(text.trim()) ? undefined : bigInteger(text.trim())
  const [max, min] = [size(parameter.max_size), size(parameter.min_size)]
  return {
    name: parameter.name,
    datastore_version_id: parameter.datastore_version_id,
    restart_required: parameter.restart_required,
    type: parameter.data_type,
    ...(max === undefined ? {} : { max }),
    ...(min === undefined ? {} : { min }),
  }
}
