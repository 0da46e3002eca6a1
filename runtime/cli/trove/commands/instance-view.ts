import { child, objects, text, word } from '../output/fields.ts'
import type { Column, Json, JsonObject } from './types.ts'

/** The columns of `trove list` (book, chapter 3). */
export const instanceColumns: readonly Column[] = [
  { title: 'ID' },
  { title: 'Name' },
  { title: 'Datastore', value: (instance) => child(instance, 'datastore').type ?? '-' },
  { title: 'Datastore Version', value: (instance) => child(instance, 'datastore').version ?? '-' },
  { title: 'Status' },
  { title: 'Flavor ID', value: (instance) => child(instance, 'flavor').id ?? '-' },
  { title: 'Size', value: (instance) => child(instance, 'volume').size ?? '-' },
]

/** Properties of the book's tables and a few later ones that help a person; the others are in the JSON. */
const SHOWN = new Set([
  'cluster_id',
  'configuration',
  'created',
  'datastore',
  'datastore_version',
  'fault',
  'fault_date',
  'flavor',
  'hostname',
  'id',
  'ip',
  'local_storage_used',
  'locality',
  'name',
  'password',
  'replica_of',
  'replicas',
  'shard_id',
  'status',
  'updated',
  'volume',
  'volume_used',
])

/** The table of one instance. */
export function instanceTable(instance: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(instanceProperties(instance)).filter(([name]) => SHOWN.has(name)))
}

/** The JSON of one instance: flat, as the client of OpenStack prints it. */
export function instanceProperties(instance: JsonObject): JsonObject {
  const { links: _links, ...own } = instance
  const datastore = child(instance, 'datastore')
  const volume = child(instance, 'volume')
  const fault = child(instance, 'fault')
  const configuration = child(instance, 'configuration')
  return present({
    ...own,
    flavor: child(instance, 'flavor').id,
    datastore: datastore.type,
    datastore_version: datastore.version,
    volume: volume.size,
    volume_used: volume.used,
    local_storage: undefined,
    local_storage_used: child(instance, 'local_storage').used,
    ip: addresses(instance),
    configuration: configuration.id,
    replica_of: child(instance, 'replica_of').id,
    replicas: joined(objects(instance.replicas).map(({ id }) => word(id) ?? '')),
    fault: fault.message,
    fault_date: fault.created,
    fault_details: fault.details,
  })
}

/** Addresses joined by commas; undefined when there is none yet. */
export function addresses(object: JsonObject): Json | undefined {
  if (!Array.isArray(object.ip)) return text(object.ip)
  return joined(object.ip.map((each) => text(each) ?? text(isAddress(each) ? each.address : undefined) ?? ''))
}

function isAddress(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null
}

/** Texts in order, joined; undefined for none. */
function joined(texts: readonly string[]): string | undefined {
  return texts.length === 0 ? undefined : [...texts].sort().join(', ')
}

/** Without the properties that are not there. */
export function present(values: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
