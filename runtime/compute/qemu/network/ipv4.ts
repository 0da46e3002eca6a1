import { CofferError } from '../../../../lib/errors.ts'

/** A range of IPv4 addresses. */
export interface Range {
  /** Its first address, as a number. */
  readonly base: number
  readonly prefix: number
}

/**
 * Reads `a.b.c.d/n`; a lone address is a range of one.
 *
 * @throws CofferError `ADDRESS_RANGE_INVALID`
 */
export function parseRange(text: string): Range {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(text.trim())
  const octets = match?.slice(1, 5).map(Number) ?? []
  const prefix = Number(match?.[5] ?? 32)
  if (match === null || octets.some((octet) => octet > 255) || prefix > 32) {
    throw new CofferError('ADDRESS_RANGE_INVALID', `${text} is not an IPv4 range`, {
      hint: 'Write it as address/bits, for example 127.77.0.0/16.',
    })
  }
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0)
  return { base: address - (address % 2 ** (32 - prefix)), prefix }
}

/** How many addresses a range has. */
export function sizeOf(range: Range): number {
  return 2 ** (32 - range.prefix)
}

/** The n-th address of a range, counted from 0, in dotted form. */
export function addressAt(range: Range, n: number): string {
  const address = range.base + n
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')
}

/** Whether an address lies in a range. */
export function contains(range: Range, address: string): boolean {
  const { base } = parseRange(address)
  return base >= range.base && base < range.base + sizeOf(range)
}

/** The dotted netmask of a range. */
export function netmaskOf(range: Range): string {
  return addressAt({ base: 2 ** 32 - sizeOf(range), prefix: 32 }, 0)
}
