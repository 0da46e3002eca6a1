import type { GuestDatabase, GuestUser, PrepareArgs } from '../rpc/guest-methods.ts'
import type { Json, JsonObject } from '../rpc/types.ts'
import { badRequest } from './errors.ts'
import type { Page } from './types.ts'

/** Longer values are no names. Engines have narrower limits of their own. */
const MAX_TEXT = 4096
/** Largest page that one answer carries. */
const MAX_LIMIT = 1000

/** Text that can be stored as it is: half a surrogate pair cannot. */
function text(value: Json | undefined, name: string): string {
  if (typeof value !== 'string') throw badRequest(`${name} has to be a string.`)
  if (value.length > MAX_TEXT || !value.isWellFormed() || value.includes('\0')) {
    throw badRequest(`${name} is too long or holds characters that cannot be stored.`)
  }
  return value
}

const absent = (value: Json | undefined): value is null | undefined => value === undefined || value === null

function object(value: Json | undefined, name: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw badRequest(`${name} has to be an object.`)
}

function list(value: Json | undefined, name: string): readonly Json[] {
  if (Array.isArray(value)) return value as readonly Json[]
  throw badRequest(`${name} has to be a list.`)
}

/** A required text argument. @throws CofferError `BAD_REQUEST` */
export function textArgument(args: JsonObject, name: string): string {
  return text(args[name], name)
}

/** A text argument that may be missing. @throws CofferError `BAD_REQUEST` */
export function optionalText(args: JsonObject, name: string): string | undefined {
  return absent(args[name]) ? undefined : text(args[name], name)
}

/** The host part of an account; `%` when it is not given (contract §1.6). */
export function hostArgument(args: JsonObject, name: string): string {
  const host = optionalText(args, name)
  return host === undefined || host === '' ? '%' : host
}

/** A list of texts. @throws CofferError `BAD_REQUEST` */
export function textList(args: JsonObject, name: string): readonly string[] {
  return list(args[name], name).map((entry) => text(entry, name))
}

/** A database as it travels (contract §4.3). @throws CofferError `BAD_REQUEST` */
export function databaseOf(value: Json | undefined): GuestDatabase {
  const given = object(value, 'a database')
  const characterSet = optionalText(given, '_character_set')
  const collate = optionalText(given, '_collate')
  return {
    _name: nameOf(given, 'a database'),
    ...(characterSet === undefined ? {} : { _character_set: characterSet }),
    ...(collate === undefined ? {} : { _collate: collate }),
  }
}

/** A user as it travels (contract §4.3). @throws CofferError `BAD_REQUEST` */
export function userOf(value: Json | undefined): GuestUser {
  const given = object(value, 'a user')
  const password = optionalText(given, '_password')
  const databases = absent(given._databases) ? [] : list(given._databases, '_databases').map(databaseOf)
  return {
    _name: nameOf(given, 'a user'),
    _host: hostArgument(given, '_host'),
    ...(password === undefined ? {} : { _password: password }),
    _databases: databases,
  }
}

export const databasesArgument = (args: JsonObject): readonly GuestDatabase[] =>
  list(args.databases, 'databases').map(databaseOf)

export const usersArgument = (args: JsonObject): readonly GuestUser[] => list(args.users, 'users').map(userOf)

/** Which page of a list (contract §4.3). @throws CofferError `BAD_REQUEST` */
export function pageArgument(args: JsonObject): Page {
  const { limit } = args
  const marker = optionalText(args, 'marker')
  const wanted = absent(limit) ? MAX_LIMIT : Number(limit)
  if (!Number.isInteger(wanted) || wanted < 1) throw badRequest('limit has to be a positive whole number.')
  return {
    limit: Math.min(wanted, MAX_LIMIT),
    ...(marker === undefined ? {} : { marker }),
    includeMarker: args.include_marker === true,
  }
}

/** The arguments of `prepare`. @throws CofferError `BAD_REQUEST` */
export function prepareArguments(args: JsonObject): PrepareArgs {
  const optional = (name: keyof PrepareArgs) => {
    const value = optionalText(args, name)
    return value === undefined || value === '' ? {} : { [name]: value }
  }
  const { memory_mb: memory } = args
  if (typeof memory !== 'number') throw badRequest('memory_mb has to be a number.')
  return {
    memory_mb: memory,
    packages: absent(args.packages) ? [] : textList(args, 'packages'),
    databases: absent(args.databases) ? [] : databasesArgument(args),
    users: absent(args.users) ? [] : usersArgument(args),
    config_contents: longText(args.config_contents, 'config_contents'),
    ...(absent(args.overrides) ? {} : { overrides: longText(args.overrides, 'overrides') }),
    ...optional('device_path'),
    ...optional('mount_point'),
    ...optional('volume_fstype'),
    ...optional('root_password'),
  }
}

/** A whole file. */
function longText(value: Json | undefined, name: string): string {
  if (absent(value)) return ''
  if (typeof value !== 'string') throw badRequest(`${name} has to be a string.`)
  return value
}

function nameOf(given: JsonObject, what: string): string {
  const name = text(given._name, `the name of ${what}`)
  if (name === '') throw badRequest(`The name of ${what} is empty.`)
  return name
}
