/** The Castagnoli polynomial, bits reversed (RFC 3720 §12.1). */
const POLYNOMIAL = 0x82f63b78

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let entry = byte
  for (let bit = 0; bit < 8; bit++) entry = (entry >>> 1) ^ (entry & 1 ? POLYNOMIAL : 0)
  return entry
})

/**
 * CRC-32C without the inversions before and after, so that it can be continued: what ext4 stores (Linux, `crc32c_le`).
 *
 * @param crc where to go on from: 0xffffffff at the start, or the result for what comes before
 */
export function crc32c(crc: number, bytes: Uint8Array): number {
  let value = crc
  for (const byte of bytes) value = (value >>> 8) ^ (TABLE[(value ^ byte) & 0xff] ?? 0)
  return value >>> 0
}
