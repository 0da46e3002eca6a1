import { badFrame, tooLarge } from '../errors.ts'

/** A frame is its length (4 bytes, big-endian) and that many bytes of JSON, UTF-8. */
const HEADER = 4
const NOTHING = Buffer.alloc(0)

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
 * Cuts a stream into frames. Holds twice one frame's bytes at most however small the pieces that it comes in (a buffer for
 * each byte would be five hundred times the frame), and nothing between frames.
 *
 * @param limit bytes of one frame, asked at each frame since it depends on who the peer turns out to be
 * @returns takes each chunk of the stream; throws CofferError TRANSPORT_BAD_FRAME or TRANSPORT_TOO_LARGE, after which the stream is of no use
 */
export function frameReader(limit: () => number, onFrame: (value: unknown) => void): (chunk: Buffer) => void {
  /** A frame that has begun: the first `have` bytes. */
  let begun = NOTHING
  let have = 0

  function append(chunk: Buffer): Buffer {
    if (begun.length < have + chunk.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(begun.length * 2, have + chunk.length))
      begun.copy(larger, 0, 0, have)
      begun = larger
    }
    have += chunk.copy(begun, have)
    return begun.subarray(0, have)
  }

  return (chunk) => {
    const bytes = append(chunk)
    let at = 0
    while (bytes.length - at >= HEADER) {
      const length = bytes.readUInt32BE(at)
      if (length > limit()) throw tooLarge(limit())
      const end = at + HEADER + length
      if (end > bytes.length) break
      onFrame(parse(bytes.toString('utf8', at + HEADER, end)))
      at = end
    }
    if (at === 0) return
    begun = NOTHING
    have = 0
    if (at < bytes.length) append(bytes.subarray(at))
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badFrame('a frame is not JSON')
  }
}
