import { CofferError } from '../../../../lib/errors.ts'
import type { JsonObject } from '../commands/types.ts'
import { child, word } from '../output/fields.ts'
import { listAll } from './collections.ts'
import { ServiceFault } from './faults.ts'
import { resource } from './path.ts'
import type { Service } from './types.ts'

/** A kind of object that has ids and names. */
export interface Noun {
  /** As in `No instance with a name or ID of …`. */
  readonly name: string
  readonly collection: string
  /** Key of one object in an answer, and of a list. */
  readonly one: string
  readonly many: string
  /** True when only UUIDs can be ids, so that any other word must be a name. */
  readonly uuids: boolean
  readonly filters?: Readonly<Record<string, string | boolean | undefined>>
  /** True when the list holds all that the object's own URL shows. */
  readonly listedWhole?: boolean
  /** The id of a listed object, when it is not its `id`. */
  readonly idOf?: (object: JsonObject) => string | undefined
}

export const INSTANCE: Noun = {
  name: 'instance',
  collection: 'instances',
  one: 'instance',
  many: 'instances',
  uuids: true,
  // A member of a cluster can be named too.
  filters: { include_clustered: true },
}
export const BACKUP: Noun = {
  name: 'backup',
  collection: 'backups',
  one: 'backup',
  many: 'backups',
  uuids: true,
}
export const CLUSTER: Noun = {
  name: 'cluster',
  collection: 'clusters',
  one: 'cluster',
  many: 'clusters',
  uuids: true,
}
export const CONFIGURATION: Noun = {
  name: 'configuration',
  collection: 'configurations',
  one: 'configuration',
  many: 'configurations',
  uuids: true,
}
export const FLAVOR: Noun = {
  name: 'flavor',
  collection: 'flavors',
  one: 'flavor',
  many: 'flavors',
  uuids: false,
  listedWhole: true,
  // A flavor whose id is no number has it in str_id alone (contract §1.4).
  idOf: (flavor) => word(flavor.str_id) ?? word(flavor.id),
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

/** True for what only an id can look like. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/**
 * The id of an object given by id or by name (contract §2.2: by id first, a 404 leads to the names).
 *
 * @throws CofferError `NO_SUCH_OBJECT` or `SEVERAL_OBJECTS`
 */
export async function findId(service: Service, noun: Noun, nameOrId: string): Promise<string> {
  const { object } = await find(service, noun, nameOrId)
  return idOf(noun, object) ?? nameOrId
}

/** The same, with the whole object: as its own URL shows it. */
export async function findWhole(service: Service, noun: Noun, nameOrId: string): Promise<JsonObject> {
  const { object, whole } = await find(service, noun, nameOrId)
  if (whole) return object
  return child(await service.get(resource(noun.collection, idOf(noun, object) ?? nameOrId)), noun.one)
}

/** As {@link findId}, but undefined when there is no such object. */
export async function maybeFindId(
  service: Service,
  noun: Noun,
  nameOrId: string,
): Promise<string | undefined> {
  try {
    return await findId(service, noun, nameOrId)
  } catch (error) {
    if (error instanceof CofferError && error.code === 'NO_SUCH_OBJECT') return undefined
    throw error
  }
}

async function find(
  service: Service,
  noun: Noun,
  nameOrId: string,
): Promise<{ object: JsonObject; whole: boolean }> {
  const byId = noun.uuids && !isUuid(nameOrId) ? undefined : await findById(service, noun, nameOrId)
  if (byId !== undefined) return { object: byId, whole: true }
  const all = await listAll(service, resource(noun.collection), noun.many, { filters: noun.filters ?? {} })
  const matches = all.filter(({ name }) => name === nameOrId)
  const [only, another] = matches
  if (only === undefined) throw noSuch(noun.name, nameOrId)
  if (another === undefined) return { object: only, whole: noun.listedWhole === true }
  const ids = matches.map((match) => idOf(noun, match)).join(', ')
  throw new CofferError(
    'SEVERAL_OBJECTS',
    `Multiple ${noun.name} matches found for '${nameOrId}', use an ID to be more specific.`,
    { hint: `their ids are: ${ids}` },
  )
}

async function findById(service: Service, noun: Noun, id: string): Promise<JsonObject | undefined> {
  try {
    return child(await service.get(resource(noun.collection, id)), noun.one)
  } catch (error) {
    if (error instanceof ServiceFault && error.status === 404) return undefined
    throw error
  }
}

/** Nothing has this name or id. */
export function noSuch(what: string, nameOrId: string): CofferError {
  return new CofferError('NO_SUCH_OBJECT', `No ${what} with a name or ID of '${nameOrId}' exists.`)
}

function idOf(noun: Noun, object: JsonObject): string | undefined {
  return noun.idOf === undefined ? word(object.id) : noun.idOf(object)
}
