import { expect, test } from 'vitest'
import { crc32c } from '../../../lib/crc32c.ts'

const whole = (bytes: Uint8Array) => (crc32c(0xffffffff, bytes) ^ 0xffffffff) >>> 0

test('gives the values of RFC 3720, appendix B.4', () => {
  expect(whole(Buffer.alloc(32))).toBe(0x8a9136aa)
  expect(whole(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
  expect(whole(Buffer.from(Array.from({ length: 32 }, (_, index) => index)))).toBe(0x46dd794e)
})

test('goes on from what comes before', () => {
  const text = Buffer.from('123456789')
  expect(crc32c(crc32c(0xffffffff, text.subarray(0, 4)), text.subarray(4))).toBe(crc32c(0xffffffff, text))
})
