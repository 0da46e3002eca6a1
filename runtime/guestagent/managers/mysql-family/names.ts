import { badRequest } from '../../errors.ts'

/** Something that mysql2 puts into a statement as it stands. */
export interface Raw {
  readonly toSqlString: () => string
}

const raw = (text: string): Raw => ({ toSqlString: () => text })

/**
 * A name as a quoted identifier, for a `?` of a statement: as a value it is never searched for placeholders itself.
 *
 * @throws CofferError `BAD_REQUEST` for a zero character, which no identifier can hold.
 */
export function identifier(name: string): Raw {
  if (name.includes('\0')) throw badRequest('A name cannot hold a zero character.')
  return raw(`\`${name.replaceAll('`', '``')}\``)
}

/** A database's name in GRANT and REVOKE, where `_` and `%` are wildcards unless a backslash stands before them. */
export const grantPattern = (name: string): Raw => identifier(escapePattern(name))

/** @see grantPattern */
export const escapePattern = (name: string): string => name.replace(/[\\_%]/g, '\\$&')

/** The name that a pattern of mysql.db stands for. */
export const unescapePattern = (pattern: string): string => pattern.replace(/\\(.)/gs, '$1')

/** The marker of an account in a page: names repeat, accounts do not. */
export const accountMarker = (name: string, host: string): string => `${name}@${host}`
