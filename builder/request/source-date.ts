import { CofferError } from '../../lib/errors.ts'

/** The last second that an ext4 file system can hold: in the year 2446. */
const LATEST = 2 ** 34 - 2 ** 31 - 1

/**
 * Reads `SOURCE_DATE_EPOCH` (https://reproducible-builds.org/specs/source-date-epoch/): whole seconds since 1970, after
 * which nothing in the image may be dated. Unset or empty: none.
 *
 * @throws CofferError `SOURCE_DATE_INVALID`
 */
export function readSourceDate(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const seconds = Number(text)
  if (/^\d+$/.test(text) && seconds <= LATEST) return seconds
  throw new CofferError(
    'SOURCE_DATE_INVALID',
    `SOURCE_DATE_EPOCH needs whole seconds since 1970, not '${text}'`,
    { hint: 'For example: SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)' },
  )
}
