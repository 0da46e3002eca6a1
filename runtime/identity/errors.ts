import { CofferError } from '../../lib/errors.ts'

/** HTTP status of each error that a user of the identity API may see. Texts are Keystone's: clients show them. */
const STATUSES: Readonly<Record<string, number>> = {
  IDENTITY_BAD_REQUEST: 400,
  IDENTITY_UNAUTHORIZED: 401,
  IDENTITY_FORBIDDEN: 403,
  IDENTITY_LAST_ADMIN: 403,
  IDENTITY_NOT_FOUND: 404,
  IDENTITY_CONFLICT: 409,
  IDENTITY_TOO_MANY_LOGINS: 429,
}

/** The status for an error, or undefined for one that users should not see. */
export function identityStatus(error: unknown): number | undefined {
  return error instanceof CofferError ? STATUSES[error.code] : undefined
}

/** Wrong name, wrong password, expired token: always the same words, so that none of them can be told from another. */
export const unauthorized = () =>
  new CofferError('IDENTITY_UNAUTHORIZED', 'The request you have made requires authentication.')

/** @param action Keystone's name of it, such as `identity:create_user` */
export const forbidden = (action: string) =>
  new CofferError('IDENTITY_FORBIDDEN', `You are not authorized to perform the requested action: ${action}.`)

export const notFound = (what: 'user' | 'project' | 'role' | 'token' | 'domain' | 'service', id: string) =>
  new CofferError('IDENTITY_NOT_FOUND', `Could not find ${what}: ${id}.`)

export const conflict = (what: 'user' | 'project' | 'role', name: string) =>
  new CofferError(
    'IDENTITY_CONFLICT',
    `Conflict occurred attempting to store ${what} - Duplicate entry found with name ${name} at domain ID default.`,
  )

export const lastAdmin = () =>
  new CofferError('IDENTITY_LAST_ADMIN', 'The last administrator who can log in cannot be taken away.')

export const badRequest = (reason: string) => new CofferError('IDENTITY_BAD_REQUEST', reason)

export const tooManyLogins = () =>
  new CofferError('IDENTITY_TOO_MANY_LOGINS', 'Too many failed logins for this user from this address.', {
    hint: 'Wait a few seconds and log in once.',
    retryable: true,
  })
