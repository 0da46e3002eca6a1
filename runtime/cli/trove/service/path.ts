import { CofferError } from '../../../../lib/errors.ts'

/**
 * A path of the API from its parts, each escaped as one part.
 *
 * @throws CofferError `NAME_INVALID` for a part that would name another object than the one meant: `..` under an instance's
 *   databases is the instance itself, and nothing at all is the whole collection
 */
export function resource(...parts: readonly string[]): string {
  return parts.map((part) => `/${escapePart(part)}`).join('')
}

/** The same for names of users and databases: their dots are escaped too, which servers may take for a file type (contract §1.6). */
export function account(...parts: readonly string[]): string {
  return resource(...parts).replaceAll('.', '%2e')
}

/** A query from the values that are there: `?limit=2&marker=…`, or nothing. */
export function query(values: Readonly<Record<string, string | boolean | undefined>>): string {
  const pairs = Object.entries(values).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [`${name}=${typeof value === 'boolean' ? pythonic(value) : encodeURIComponent(value)}`],
  )
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

/** How a user is named in a path: `name@host`. A name with an `@` always gets a host, because the last `@` divides (contract §1.6). */
export function userAtHost(name: string, host: string | undefined): string {
  if (name !== '' && host !== undefined) return `${name}@${host}`
  return name.includes('@') ? `${name}@%` : name
}

function escapePart(part: string): string {
  if (part === '' || part === '.' || part === '..') {
    throw new CofferError('NAME_INVALID', `'${part}' cannot be a name or an ID`)
  }
  return encodeURIComponent(part.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  )
}

/** Booleans go out as `True` and `False` (contract §2.5, trap 18). */
function pythonic(value: boolean): string {
  return value ? 'True' : 'False'
}
