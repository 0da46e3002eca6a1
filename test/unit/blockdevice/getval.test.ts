import { expect, test } from 'vitest'
import { flatten, parseConfig } from '../../../builder/blockdevice/config.ts'
import { getval } from '../../../builder/blockdevice/getval.ts'
import type { BlockDeviceState } from '../../../builder/blockdevice/state.ts'

const config = flatten(
  parseConfig(`
- local_loop: {name: image0}
- partitioning:
    base: image0
    label: gpt
    partitions:
      - {name: ESP, size: 8MiB, mkfs: {type: vfat, mount: {mount_point: /boot/efi}}}
      - {name: boot, size: 8MiB, mkfs: {type: ext4, mount: {mount_point: /boot}}}
      - {name: root, size: 100%, mkfs: {mount: {mount_point: /}}}
`),
  { rootFsType: 'ext4', rootLabel: 'mine' },
)
const state: BlockDeviceState = {
  blockdev: {
    image0: { device: '/dev/loop0', image: '/images/image0.raw' },
    root: { device: '/dev/loop1' },
  },
  filesys: {},
  mount: {},
  mount_order: [],
}

test.each([
  ['root-label', 'mine'],
  ['root-fstype', 'ext4'],
  ['boot-label', 'mkfs_boot'],
  ['mount-points', '/boot/efi|/boot|/'],
])('%s is %s as soon as the configuration is known', (symbol, value) => {
  expect(getval(symbol, { config })).toBe(value)
})

test.each([
  ['image-path', '/images/image0.raw'],
  ['image-block-device', '/dev/loop0'],
  ['image-block-devices', ' [image0]=/dev/loop0  [root]=/dev/loop1 '],
])('%s is %j after create, and an error before', (symbol, value) => {
  expect(getval(symbol, { config, state })).toBe(value)
  expect(() => getval(symbol, { config })).toThrow(
    expect.objectContaining({ code: 'BLOCK_DEVICE_STATE_MISSING', message: 'State dump not found' }),
  )
})

test('an unknown symbol has no value', () => {
  expect(getval('no-such-symbol', { config, state })).toBeUndefined()
})

test('a root file system without a label has its name as label; no /boot has none', () => {
  const plain = flatten(parseConfig('- mkfs: {base: x, name: fs, type: ext4, mount: {mount_point: /}}'), {})
  expect(getval('root-label', { config: plain })).toBe('fs')
  expect(getval('boot-label', { config: plain })).toBe('')
})

test('a configuration that mounts nothing at / says so', () => {
  expect(() => getval('root-label', { config: [] })).toThrow(
    'The block device configuration mounts nothing at /',
  )
})
