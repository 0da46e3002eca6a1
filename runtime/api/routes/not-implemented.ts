import type { CofferError } from '../../../lib/errors.ts'
import { fault } from '../../model/faults.ts'

/**
 * The answer to what Trove can do and this service cannot do yet.
 *
 * @param what begins the sentence, its verb included: `Resizing an instance is`
 */
export const notImplemented = (what: string): CofferError =>
  fault('NOT_IMPLEMENTED', { reason: `${what} not implemented by this service yet.` })

/** Whether a client names a thing: old ones send null or an empty text for what they do not want. */
export const given = (value: unknown): boolean => value !== undefined && value !== null && value !== ''
