import { CofferError } from '../../lib/errors.ts'

/** Units of sizes, in bytes: the `i` forms are powers of 1024, the others powers of 1000 (DIB contract §4.3). */
const UNITS: Readonly<Record<string, number>> = {
  TiB: 1024 ** 4,
  GiB: 1024 ** 3,
  MiB: 1024 ** 2,
  KiB: 1024,
  TB: 1000 ** 4,
  GB: 1000 ** 3,
  MB: 1000 ** 2,
  KB: 1000,
  T: 1000 ** 4,
  G: 1000 ** 3,
  M: 1000 ** 2,
  K: 1000,
  B: 1,
  '': 1,
}

/** One mebibyte, the unit partitions are aligned to. */
export const MIB = 1024 * 1024

/**
 * Bytes of an absolute size such as `550MiB`, `1.5 GiB`, `40G` (decimal) or `1048576`; truncated to a whole number.
 *
 * A unit without a number counts once (`MiB` is 1 MiB), as in DIB (contract §4.3).
 *
 * @throws CofferError `BLOCK_DEVICE_SIZE_INVALID` with DIB's messages.
 */
export function parseSize(text: string): number {
  const match = /^([\d.]*) ?([a-zA-Z0-9_]*)$/.exec(text)
  const [, count = '', unit = ''] = match ?? []
  if (match === null || Number.isNaN(Number(count === '' ? '1' : count))) {
    throw sizeError(`Invalid size unit spec [${text}]`)
  }
  const factor = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined
  if (factor === undefined) throw sizeError(`unit_str [${unit}] not known`)
  return Math.trunc(factor * (count === '' ? 1 : Number(count)))
}

/**
 * Bytes of a size that may be a part (`100%`) of the space that is still free.
 *
 * @param text an absolute size or a percentage
 * @param freeBytes what a percentage refers to
 * @throws CofferError `BLOCK_DEVICE_SIZE_INVALID`
 */
export function parseRelativeSize(text: string, freeBytes: number): number {
  if (!text.endsWith('%')) return parseSize(text)
  const percent = Number(text.slice(0, -1))
  if (!Number.isFinite(percent) || percent < 0 || text.length === 1) {
    throw sizeError(`Invalid size unit spec [${text}]`)
  }
  return Math.trunc((freeBytes * percent) / 100)
}

function sizeError(message: string): CofferError {
  return new CofferError('BLOCK_DEVICE_SIZE_INVALID', message, {
    hint: 'Write sizes like 550MiB, 1.5GiB, 40G (decimal), 1048576 (bytes) or 100% (of the space still free).',
  })
}

export { imageSizeKiB, mkfsOptions } from './image-size.ts'
