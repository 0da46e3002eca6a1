import { broken } from '../errors.ts'
import { decodeName } from '../name.ts'

/** A member's header block (pax(1), ustar interchange format; GNU tar's numbers). */
export interface TarHeader {
  readonly name: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly modified: number
  /** The type flag: `0` file, `5` directory, `x` extended header, … */
  readonly flag: string
  readonly link: string
  readonly device: readonly [number, number]
}

export const TAR_BLOCK = 512

/**
 * @param block 512 bytes
 * @returns undefined for a block of zeros, which ends an archive
 * @throws CofferError IMAGE_CONTENT_BROKEN when its checksum is wrong
 */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined
  if (!hasRightSum(block)) throw broken('tar', 'a header is damaged')
  const text = (from: number, to: number) => {
    const field = block.subarray(from, to)
    const end = field.indexOf(0)
    return decodeName(end < 0 ? field : field.subarray(0, end))
  }
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? text(345, 500) : ''
  return {
    name: prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`,
    mode: number(block, 100, 108) & 0o7777,
    uid: number(block, 108, 116),
    gid: number(block, 116, 124),
    size: number(block, 124, 136),
    modified: number(block, 136, 148),
    flag: block.toString('latin1', 156, 157),
    link: text(157, 257),
    device: [number(block, 329, 337), number(block, 337, 345)],
  }
}

/** The sum of all bytes, those of the sum itself taken as blanks. */
export function hasRightSum(block: Buffer): boolean {
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  return Number.parseInt(block.toString('latin1', 148, 156), 8) === sum
}

/** Octal digits, or with the first bit set a binary number. */
function number(block: Buffer, from: number, to: number): number {
  const field = block.subarray(from, to)
  if (((field[0] ?? 0) & 0x80) === 0)
    return Number.parseInt(field.toString('latin1').replace(/\0.*$/s, ''), 8) || 0
  const value = field.subarray(-6).readUIntBE(0, 6)
  return field[0] === 0xff ? value - 2 ** 48 : value
}
