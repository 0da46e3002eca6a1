import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compressedEntry, readCluster, readHeader } from '../../../builder/output/qcow2-format.ts'

test('what is written of a compressed cluster is what is read', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 9, max: 21 }),
      fc.integer({ min: 0, max: 2 ** 30 }),
      fc.integer({ min: 1, max: 3 }),
      (clusterBits, sector, sectors) => {
        const offset = sector * 512
        // Smaller clusters have fewer bits for the number of sectors.
        const most = Math.min(sectors, 2 ** (clusterBits - 8))
        expect(readCluster(compressedEntry(offset, most, clusterBits), clusterBits)).toEqual({
          kind: 'compressed',
          offset,
          end: offset + most * 512,
        })
      },
    ),
  )
})

test('other clusters are plain, zero or not there', () => {
  expect(readCluster(0n, 16)).toEqual({ kind: 'none' })
  expect(readCluster(1n, 16)).toEqual({ kind: 'zero' })
  expect(readCluster((1n << 63n) | 0x50000n, 16)).toEqual({ kind: 'plain', offset: 0x50000 })
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
