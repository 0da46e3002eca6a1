import { CofferError } from '../../lib/errors.ts'
import { FAULTS, type FaultCode, fault } from '../model/faults.ts'

/**
 * What of an error may leave the guest: an error of the faults table as it is, anything else as GUEST_ERROR with one
 * sentence. No stack, no command line, no statement.
 */
export function wireError(error: unknown): CofferError {
  if (error instanceof CofferError) {
    const known = Object.hasOwn(FAULTS, error.code) ? error : guestError(error.message)
    return new CofferError(known.code, known.message, { retryable: error.retryable })
  }
  return guestError('the guest agent met a defect of its own')
}

/** Something went wrong in the guest. @param reason part of a sentence, without its full stop */
export const guestError = (reason: string): CofferError =>
  fault('GUEST_ERROR', { reason: oneLine(reason).replace(/\.$/, '') })

/** The engine has no such notion. */
export const notSupported = (operation: string, datastore: string): CofferError =>
  fault('DATASTORE_OPERATION_NOT_SUPPORTED', { operation, datastore })

/** The request itself is wrong. */
export const badRequest = (reason: string): CofferError => fault('BAD_REQUEST', { reason: oneLine(reason) })

export const userNotFound = (name: string): CofferError => fault('USER_NOT_FOUND', { uuid: name })
export const databaseNotFound = (name: string): CofferError => fault('DATABASE_NOT_FOUND', { uuid: name })
export const userExists = (name: string): CofferError => fault('USER_ALREADY_EXISTS', { name })
export const databaseExists = (name: string): CofferError => fault('DATABASE_ALREADY_EXISTS', { name })

/** True for an error with this code. */
export const isFault = (error: unknown, code: FaultCode): boolean =>
  error instanceof CofferError && error.code === code

/** A reason for people that fits a field of the API: one line, at most 400 characters. */
export function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length <= 400 ? line : `${line.slice(0, 399)}…`
}
