import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeFrame, frameReader } from '../../../../../runtime/transport/embedded/frames.ts'

describe('frames', () => {
  test('arrive whole and in order however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.constant(null)))),
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        (frames, cuts) => {
          const stream = Buffer.concat(frames.map((frame) => encodeFrame(frame, 1e6)))
          const got: unknown[] = []
          const read = frameReader(
            () => 1e6,
            (frame) => got.push(frame),
          )
          for (let at = 0; at < stream.length; ) {
            const length = cuts.next().value ?? 1
            read(stream.subarray(at, at + length))
            at += length
          }
          expect(got).toEqual(JSON.parse(JSON.stringify(frames)))
        },
      ),
    )
  })

  test('take little memory however small the pieces they come in', () => {
    const read = frameReader(
      () => 2 ** 20,
      () => undefined,
    )
    const header = Buffer.alloc(4)
    header.writeUInt32BE(2 ** 20)
    read(header)
    const before = process.memoryUsage().rss
    // As a socket gives them: each with memory of its own.
    for (let n = 0; n < 500_000; n++) read(Buffer.from(new ArrayBuffer(1)))
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(128)
  })

  test('are refused by their announced length, before the bytes are taken', () => {
    const read = frameReader(
      () => 100,
      () => undefined,
    )
    const header = Buffer.alloc(4)
    header.writeUInt32BE(101)
    expect(() => read(header)).toThrow(expect.objectContaining({ code: 'TRANSPORT_TOO_LARGE' }))
    expect(() => encodeFrame({ text: 'x'.repeat(100) }, 100)).toThrow(
      expect.objectContaining({ code: 'TRANSPORT_TOO_LARGE' }),
    )
  })

  test('that are no JSON are refused', () => {
    const read = frameReader(
      () => 100,
      () => undefined,
    )
    expect(() => read(Buffer.from('\0\0\0\x03abc'))).toThrow(
      expect.objectContaining({ code: 'TRANSPORT_BAD_FRAME' }),
    )
  })
})
