import { badFrame, tooLarge } from '../errors.ts'

/** A frame is its length (4 bytes, big-endian) and that many bytes of JSON, UTF-8. */
const HEADER = 4

/** @throws CofferError TRANSPORT_TOO_LARGE past `limit` bytes */
export function encodeFrame(value: object, limit: number): Buffer {
  const text = JSON.stringify(value)
  const length = Buffer.byteLength(text)
  if (length > limit) throw tooLarge(limit)
  const frame = Buffer.allocUnsafe(HEADER + length)
  frame.writeUInt32BE(length, 0)
  frame.write(text, HEADER)
  return frame
}

/**
 * Cuts a stream into frames. Holds no more than one frame's bytes, and nothing between frames.
 *
 * @param limit bytes of one frame, asked at each frame since it depends on who the peer turns out to be
 * @returns takes each chunk of the stream; throws CofferError TRANSPORT_BAD_FRAME or TRANSPORT_TOO_LARGE, after which the stream is of no use
 */
export function frameReader(limit: () => number, onFrame: (value: unknown) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = []
  let have = 0
  return (chunk) => {
    parts.push(chunk)
    have += chunk.length
    while (have >= HEADER) {
      const length = peekLength(parts)
      if (length > limit()) throw tooLarge(limit())
      if (have < HEADER + length) return
      const whole = parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts, have)
      const rest = whole.subarray(HEADER + length)
      parts = rest.length === 0 ? [] : [rest]
      have = rest.length
      onFrame(parse(whole.toString('utf8', HEADER, HEADER + length)))
    }
  }
}

/** The four bytes may be spread over parts. */
function peekLength(parts: Buffer[]): number {
  while ((parts[0]?.length ?? HEADER) < HEADER && parts.length > 1) {
    parts.splice(0, 2, Buffer.concat(parts.slice(0, 2)))
  }
  return parts[0]?.readUInt32BE(0) ?? 0
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badFrame('a frame is not JSON')
  }
}
