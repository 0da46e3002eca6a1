import { expect, test } from 'vitest'
import { readDescriptor, readGeometry, setInodeTimes } from '../../../builder/blockdevice/ext-format.ts'

/** A superblock of 4 KiB blocks with the given fields: offset → 32-bit value. */
function superblock(fields: Readonly<Record<number, number>> = {}): Buffer {
  const bytes = Buffer.alloc(1024)
  bytes.writeUInt16LE(0xef53, 0x38)
  const all = { 4: 300_000, 24: 2, 32: 32_768, 40: 8192, 76: 1, 84: 11, 88: 256, ...fields }
  for (const [offset, value] of Object.entries(all)) bytes.writeUInt32LE(value, Number(offset))
  return bytes
}

test('copies of the superblock are in groups 0 and 1 and in powers of 3, 5 and 7', () => {
  const blocks = 32_768 * 60
  expect(readGeometry(superblock({ 4: blocks, 100: 0x1 })).backups).toEqual([1, 3, 5, 7, 9, 25, 27, 49])
  expect(readGeometry(superblock({ 4: 32_768 * 4 })).backups).toEqual([1, 2, 3])
  expect(readGeometry(superblock({ 4: blocks, 92: 0x200, 588: 1, 592: 59 })).backups).toEqual([1, 59])
})

test('descriptors follow the superblock, or lie in their own groups with meta_bg', () => {
  const plain = readGeometry(superblock({ 96: 0x80, 252: 64 << 16 }))
  expect(plain.descriptorSize).toBe(64)
  expect(plain.descriptorOf(65)).toEqual({ block: 2, offset: 64 })
  const meta = readGeometry(superblock({ 4: 32_768 * 400, 96: 0x10, 100: 0x1 }))
  expect(meta.descriptorOf(0)).toEqual({ block: 1, offset: 0 })
  // Group 128 is no power of 3, 5 or 7, so that no superblock is before them.
  expect(meta.descriptorOf(130)).toEqual({ block: 128 * 32_768, offset: 64 })
})

test('places of bitmaps and tables have 48 bits', () => {
  const bytes = Buffer.alloc(64)
  bytes.writeUInt32LE(7, 0x4)
  bytes.writeUInt32LE(9, 0x8)
  bytes.writeUInt32LE(2, 0x28)
  bytes.writeUInt16LE(1, 0x12)
  expect(readDescriptor(bytes)).toEqual({ bitmap: 7, table: 2 * 2 ** 32 + 9, unused: true })
})

test('what is no ext file system is refused', () => {
  expect(() => readGeometry(Buffer.alloc(1024))).toThrow(
    expect.objectContaining({ code: 'BLOCK_DEVICE_FILE_SYSTEM_BROKEN' }),
  )
})

/** The times of an inode of 256 bytes in whole seconds, and whether all have no fraction. */
function times(inode: Buffer) {
  const at = (offset: number, extra: number) =>
    inode.readInt32LE(offset) + (inode.readUInt32LE(extra) & 3) * 2 ** 32
  return [at(0x08, 0x8c), at(0x0c, 0x84), at(0x10, 0x88), at(0x90, 0x94)]
}
function inodeChangedAt(seconds: number): Buffer {
  const inode = Buffer.alloc(256, 0xab)
  inode.writeUInt32LE(0, 0x20)
  inode.writeUInt16LE(32, 0x80)
  inode.writeInt32LE(seconds | 0, 0x10)
  inode.writeUInt32LE((((seconds - (seconds | 0)) / 2 ** 32) & 3) | (123 << 2), 0x88)
  return inode
}

test('all times of an inode become that of its last change, none after the latest', () => {
  for (const seconds of [-5, 0, 1_700_000_000, 2 ** 31 + 17]) {
    const inode = inodeChangedAt(seconds)
    setInodeTimes(inode, 5_000_000_000, false)
    expect(times(inode)).toEqual([seconds, seconds, seconds, seconds])
    expect(inode.readUInt32LE(0x88) >>> 2).toBe(0)
  }
  const late = inodeChangedAt(1_700_000_000)
  setInodeTimes(late, 1_600_000_000, false)
  expect(times(late)).toEqual(Array(4).fill(1_600_000_000))
  const made = inodeChangedAt(5)
  setInodeTimes(made, 1_600_000_000, true)
  expect(times(made)).toEqual(Array(4).fill(1_600_000_000))
})

test('an inode of 128 bytes has three times only, one of an extended attribute none', () => {
  const small = inodeChangedAt(1000).subarray(0, 128)
  setInodeTimes(small, 500, false)
  expect([0x08, 0x0c, 0x10].map((offset) => small.readUInt32LE(offset))).toEqual([500, 500, 500])
  const attribute = inodeChangedAt(1000)
  attribute.writeUInt32LE(0x200000, 0x20)
  const before = Buffer.from(attribute)
  setInodeTimes(attribute, 500, false)
  expect(attribute).toEqual(before)
})
