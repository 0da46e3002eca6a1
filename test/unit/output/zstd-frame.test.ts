import { randomBytes } from 'node:crypto'
import { constants, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { zstdFrameLength } from '../../../builder/output/zstd-frame.ts'

const checksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }

test.each([
  ['nothing', Buffer.alloc(0), {}],
  ['text', Buffer.from('hello '.repeat(100)), {}],
  ['zeros', Buffer.alloc(65_536), {}],
  ['what cannot be packed', randomBytes(65_536), {}],
  ['several blocks', Buffer.concat([randomBytes(300_000), Buffer.alloc(300_000)]), {}],
  ['a checksum', randomBytes(5000), checksum],
])('finds the end of a frame of %s', (_, content, options) => {
  const frame = zstdCompressSync(content, options)
  expect(zstdFrameLength(frame)).toBe(frame.length)
  expect(zstdFrameLength(Buffer.concat([frame, zstdCompressSync('the next')]))).toBe(frame.length)
  expect(zstdFrameLength(frame.subarray(0, -1))).toBeUndefined()
})

test('knows what is no frame', () => {
  expect(zstdFrameLength(Buffer.alloc(0))).toBeUndefined()
  expect(zstdFrameLength(Buffer.from('no frame at all'))).toBeUndefined()
})
