/** A magic number, and nothing else of a frame, has four bytes (RFC 8878 §3.1.1). */
const MAGIC = 0xfd2fb528
/** Bytes of the dictionary's id and of the content's size, by their flags in the frame header's descriptor. */
const DICTIONARY_ID = [0, 1, 2, 4] as const
const CONTENT_SIZE = [0, 2, 4, 8] as const

/**
 * Bytes of the zstd frame that begins a buffer, whatever follows it (RFC 8878 §3.1.1). Nothing is unpacked: each block tells
 * its size.
 *
 * @returns undefined when no whole frame is there
 */
export function zstdFrameLength(bytes: Buffer): number | undefined {
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== MAGIC) return undefined
  const descriptor = bytes.readUInt8(4)
  const single = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const size = sizeFlag === 0 && single ? 1 : (CONTENT_SIZE[sizeFlag] ?? 0)
  let at = 5 + (single ? 0 : 1) + (DICTIONARY_ID[descriptor & 3] ?? 0) + size
  for (let last = false; !last; ) {
    if (at + 3 > bytes.length) return undefined
    const header = bytes.readUIntLE(at, 3)
    last = (header & 1) !== 0
    // A block of one repeated byte has just that byte.
    at += 3 + ((header >> 1) % 4 === 1 ? 1 : header >> 3)
  }
  const end = at + ((descriptor & 4) !== 0 ? 4 : 0)
  return end <= bytes.length ? end : undefined
}
