import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compressedEntry, lastSectorEnd, readHeader } from '../../../builder/output/qcow2-format.ts'

test('the entry of a compressed cluster tells which sectors it touches', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 9, max: 21 }),
      fc.integer({ min: 0, max: 2 ** 40 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (clusterBits, offset, part) => {
        const length = 1 + Math.floor(part * (2 ** clusterBits - 2))
        const entry = compressedEntry(offset, length, clusterBits)
        // As docs/interop/qcow2.txt says it: x bits of offset, then the number of sectors beyond the first.
        const x = BigInt(62 - (clusterBits - 8))
        const sectors = Number((entry & ((1n << 62n) - 1n)) >> x) + 1
        expect(entry >> 62n).toBe(1n)
        expect(Number(entry & ((1n << x) - 1n))).toBe(offset)
        expect((Math.floor(offset / 512) + sectors) * 512).toBe(lastSectorEnd(offset, length))
        expect(lastSectorEnd(offset, length) - (offset + length)).toBeLessThan(512)
      },
    ),
  )
})

test('an image with anything unusual is refused', () => {
  const header = Buffer.alloc(512)
  header.writeUInt32BE(0x514649fb, 0)
  header.writeUInt32BE(3, 4)
  header.writeUInt32BE(16, 20)
  header.writeUInt32BE(4, 96)
  expect(readHeader(header)).toMatchObject({ clusterBits: 16, clusterSize: 65536 })
  const changes: readonly ((bytes: Buffer) => void)[] = [
    (bytes) => bytes.writeUInt32BE(0, 0),
    (bytes) => bytes.writeUInt32BE(4, 4),
    (bytes) => bytes.writeBigUInt64BE(512n, 8),
    (bytes) => bytes.writeUInt32BE(2, 32),
    (bytes) => bytes.writeUInt32BE(1, 60),
    // Extended L2 entries.
    (bytes) => bytes.writeBigUInt64BE(16n, 72),
    (bytes) => bytes.writeUInt32BE(6, 96),
  ]
  for (const change of changes) {
    const bytes = Buffer.from(header)
    change(bytes)
    expect(() => readHeader(bytes)).toThrow(expect.objectContaining({ code: 'QCOW2_NOT_UNDERSTOOD' }))
  }
})
