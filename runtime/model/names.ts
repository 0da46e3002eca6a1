import type { CofferError } from '../../lib/errors.ts'
import { fault } from './faults.ts'
import { type NameRules, nameRules } from './names-by-manager.ts'

/** What the operator keeps for the service itself (options ignore_users, ignore_dbs). */
export interface ReservedNames {
  readonly ignoreUsers: readonly string[]
  readonly ignoreDbs: readonly string[]
}

/** Options that the checks of one datastore depend on. */
export interface NameContext {
  readonly manager: string
  readonly reserved: ReservedNames
  /** Option hostname_require_valid_ip. */
  readonly hostMustBeAddress: boolean
}

const refuse = (reason: string): CofferError => fault('BAD_REQUEST', { reason })

/** No text travels to an engine with these: NUL ends strings in C, half a surrogate pair is no Unicode. */
const uncarriable = (text: string) => text.includes('\0') || !text.isWellFormed()

/**
 * `%41` in a name. The URL of an object is decoded a second time for old clients (Trove contract §1.6), so that such a name
 * would stand for another one's object there: `a%41` for `aA`.
 */
const looksQuoted = (name: string) => /%[0-9a-f]{2}/i.test(name)

function isName(name: string, pattern: RegExp): boolean {
  return !uncarriable(name) && !/\p{Cc}/u.test(name) && !looksQuoted(name) && pattern.test(name)
}

const tooLong = (name: string, max: number, rules: NameRules) =>
  (rules.lengthUnit === 'bytes' ? Buffer.byteLength(name) : [...name].length) > max

/**
 * Checks the name of a database. One character is enough here; the expression that Trove uses asks for two by accident.
 *
 * @throws CofferError BAD_REQUEST with Trove's texts (contract §1.6)
 */
export function checkDatabaseName(name: string, context: NameContext): void {
  const rules = nameRules(context.manager)
  if (tooLong(name, rules.databaseMax, rules))
    throw refuse(`Database name '${name}' is too long. Max length = ${rules.databaseMax}.`)
  const reserved = context.reserved.ignoreDbs.some((other) => other.toLowerCase() === name.toLowerCase())
  if (reserved || !isName(name, rules.databasePattern))
    throw refuse(`'${name}' is not a valid database name.`)
}

/** @throws CofferError BAD_REQUEST with Trove's texts (contract §1.6) */
export function checkUserName(name: string, context: NameContext): void {
  const rules = nameRules(context.manager)
  if (tooLong(name, rules.userMax, rules))
    throw refuse(`User name '${name}' is too long. Max length = ${rules.userMax}.`)
  const reserved = context.reserved.ignoreUsers.some((other) => other.toLowerCase() === name.toLowerCase())
  // `.` and `..` are steps in a URL: every client would ask for something else.
  const step = name === '.' || name === '..'
  if (reserved || step || !isName(name, rules.userPattern))
    throw refuse(`'${name}' is not a valid user name.`)
}

/** Longest password, bytes: what MySQL's protocol takes. */
const PASSWORD_MAX = 255

/**
 * Checks a password. Any character may be in it, quotes and spaces included, save those that end a line or a string.
 * It is not repeated in the message, where Trove does so.
 *
 * @throws CofferError BAD_REQUEST
 */
export function checkPassword(password: string): void {
  const bad = uncarriable(password) || /[\r\n]/.test(password) || password === ''
  if (bad || Buffer.byteLength(password) > PASSWORD_MAX) throw refuse("'***' is not a valid password.")
}

const OCTET = /^(%|25[0-5]|2[0-4]\d|1?\d?\d)$/

/** `%`, `10.0.0.1`, `10.0.%`, `10.%.0.1`: an address in which whole octets may be open. */
function isAddressPattern(host: string): boolean {
  const octets = host.split('.')
  if (octets.length > 4 || !octets.every((octet) => OCTET.test(octet))) return false
  return octets.length === 4 || octets.at(-1) === '%'
}

/** @throws CofferError BAD_REQUEST with Trove's text (contract §1.6) */
export function checkHost(host: string, context: NameContext): void {
  const valid =
    isAddressPattern(host) ||
    (!context.hostMustBeAddress && /^[A-Za-z0-9%_][A-Za-z0-9%_.-]{0,254}$/.test(host))
  if (!valid) throw refuse(`'${host}' is not a valid hostname.`)
}

/** @throws CofferError BAD_REQUEST with Trove's texts (contract §1.6) */
export function checkCharacterSet(
  characterSet: string | undefined,
  collate: string | undefined,
  context: NameContext,
): void {
  const rules = nameRules(context.manager)
  if (characterSet !== undefined && !rules.isCharacterSet(characterSet))
    throw refuse(`'${characterSet}' not a valid character set.`)
  if (collate !== undefined && !rules.isCollation(collate, characterSet))
    throw refuse(`'${collate}' not a valid collation.`)
}

/** Whether the manager's users belong to hosts, as MySQL's do. */
export const usersHaveHosts = (manager: string) => nameRules(manager).hosts

/** A user as a URL names it. */
export interface UserRef {
  readonly name: string
  readonly host: string
}

/** Decodes what can be decoded and keeps the rest as it stands, as Python's unquote does. */
export function unquote(text: string): string {
  return text.replace(/(%[0-9a-f]{2})+/gi, (quoted) => {
    try {
      return decodeURIComponent(quoted)
    } catch {
      return quoted
    }
  })
}

/**
 * The user that the last part of a URL names, after the URL's own decoding: possibly quoted once more, `user@host` split at
 * the last `@`, the host `%` where none is given (contract §1.6). Where users have no hosts only `@%` is taken off.
 */
export function userRef(segment: string, manager: string): UserRef {
  const text = unquote(segment)
  if (!usersHaveHosts(manager)) return { name: text.endsWith('@%') ? text.slice(0, -2) : text, host: '%' }
  const at = text.lastIndexOf('@')
  if (at === -1 || at === text.length - 1) return { name: text, host: '%' }
  return { name: text.slice(0, at), host: text.slice(at + 1) }
}
