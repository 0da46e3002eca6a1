import { CofferError } from '../../../lib/errors.ts'
import type { StepData } from './types.ts'

/**
 * A text of a step's journal data.
 *
 * @throws CofferError JOURNAL_BROKEN when it is not there: someone has changed the journal by hand
 */
export function textOf(data: StepData | undefined, key: string): string {
  const value = data?.[key]
  if (typeof value !== 'string') throw new CofferError('JOURNAL_BROKEN', `The journal does not hold ${key}`)
  return value
}
