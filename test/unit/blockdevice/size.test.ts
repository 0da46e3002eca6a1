import { expect, test } from 'vitest'
import { imageSizeKiB, mkfsOptions } from '../../../builder/blockdevice/image-size.ts'
import { parseRelativeSize, parseSize } from '../../../builder/blockdevice/size.ts'

test.each([
  ['20TiB', 20 * 1024 ** 4],
  ['1KiB', 1024],
  ['1.5GiB', 1.5 * 1024 ** 3],
  ['2 MiB', 2 * 1024 ** 2],
  ['40G', 40_000_000_000],
  ['36TB', 36_000_000_000_000],
  ['3KB', 3000],
  ['0.1B', 0],
  ['512B', 512],
  ['1048576', 1048576],
  ['MiB', 1024 ** 2],
  ['', 1],
  ['1.1KiB', 1126],
])('the size %j is %d bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes)
})

test.each([
  ['nothing here', 'Invalid size unit spec [nothing here]'],
  ['1 0 MiB', 'Invalid size unit spec [1 0 MiB]'],
  ['1.2.3', 'Invalid size unit spec [1.2.3]'],
  ['-5MiB', 'Invalid size unit spec [-5MiB]'],
  ['7 Mib', 'unit_str [Mib] not known'],
  ['7toString', 'unit_str [toString] not known'],
])('the size %j is refused with: %s', (text, message) => {
  expect(() => parseSize(text)).toThrow(
    expect.objectContaining({ code: 'BLOCK_DEVICE_SIZE_INVALID', message }),
  )
})

test('a percentage is a part of what is free', () => {
  expect(parseRelativeSize('50%', 999)).toBe(499)
  expect(parseRelativeSize('12.5%', 8000)).toBe(1000)
  expect(() => parseRelativeSize('half%', 999)).toThrow('Invalid size unit spec [half%]')
  expect(() => parseRelativeSize('%', 999)).toThrow('Invalid size unit spec [%]')
})

const used = { usedKiB: 300_000, rootFsType: 'ext4', efi: false }

test.each([
  ['the tree takes 60 %, plus a journal of 64 MiB', used, 565_568],
  ['another journal', { ...used, journalMiB: 128 }, 631_104],
  ['no journal on xfs', { ...used, rootFsType: 'xfs' }, 500_032],
  ['extra space in place of the share, then the journal', { ...used, extraMiB: 100 }, 467_968],
  ['525 MiB more with block-device-efi', { ...used, efi: true }, 565_568 + 537_600],
  ['a given size is taken as it is', { ...used, imageSizeGiB: 1.5 }, 1_572_864],
  ['but block-device-efi is still added', { ...used, imageSizeGiB: 1, efi: true }, 1_586_176],
  ['partitions of fixed size', { ...used, reservedKiB: 9 * 1024 }, 565_568 + 9 * 1024],
  ['a tiny tree gets room for its journal', { ...used, usedKiB: 100 }, 147_456],
  ['a tiny tree, small journal', { ...used, usedKiB: 100, journalMiB: 4 }, 24_576],
])('image size: %s', (_, request, kib) => {
  expect(imageSizeKiB(request)).toBe(kib)
})

test.each([
  [{ rootFsType: 'ext4' }, '-i 4096 -J size=64'],
  [{ rootFsType: 'ext4', journalMiB: 8, userOptions: ' -m 1 ' }, '-i 4096 -J size=8 -m 1'],
  [
    { rootFsType: 'ext4', release: 'trusty', maxOnlineResize: '100' },
    '-E resize=100 -O ^metadata_csum -i 4096 -J size=64',
  ],
  [{ rootFsType: 'xfs', userOptions: '-m crc=0', release: 'trusty' }, '-m crc=0'],
  [{ rootFsType: 'xfs', maxOnlineResize: '100' }, '-E resize=100'],
])('mkfs options for %j are %j', (request, options) => {
  expect(mkfsOptions(request)).toBe(options)
})
