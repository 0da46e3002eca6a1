import { expect, test } from 'vitest'
import { flatten, parseConfig } from '../../../builder/blockdevice/config.ts'
import type { BlockDeviceParams } from '../../../builder/blockdevice/types.ts'

const asDib = (yaml: string, params: BlockDeviceParams = { rootFsType: 'ext4' }) =>
  flatten(parseConfig(yaml), params).map(({ plugin, values }) => ({ [plugin]: values }))

const rootOf = (yaml: string, params: BlockDeviceParams) =>
  flatten(parseConfig(yaml), params).find(({ plugin }) => plugin === 'mkfs')?.values

test('children come before their parent, each with a name and what it stands on', () => {
  const yaml = `
- local_loop: {name: image0}
- partitioning:
    base: image0
    label: mbr
    partitions:
      - name: root
        flags: [boot, primary]
        size: 100%
        mkfs: {mount: {mount_point: /, fstab: {options: defaults, fsck-passno: 1}}}
`
  expect(asDib(yaml)).toEqual([
    { local_loop: { name: 'image0' } },
    {
      fstab: {
        base: 'mount_mkfs_root',
        name: 'fstab_mount_mkfs_root',
        options: 'defaults',
        'fsck-passno': 1,
      },
    },
    { mount: { base: 'mkfs_root', name: 'mount_mkfs_root', mount_point: '/' } },
    { mkfs: { base: 'root', name: 'mkfs_root', type: 'ext4', label: 'cloudimg-rootfs' } },
    {
      partitioning: {
        base: 'image0',
        name: 'partitioning_image0',
        label: 'mbr',
        partitions: [{ name: 'root', flags: ['boot', 'primary'], size: '100%', base: 'image0' }],
      },
    },
  ])
})

test("a partition's own base is overwritten; names and bases that are given are kept", () => {
  const yaml = `
- partitioning:
    name: table
    base: disk
    label: gpt
    partitions:
      - {name: a, base: elsewhere, size: 1MiB, mkfs: {name: fs, base: other, type: ext4}}
`
  expect(asDib(yaml)).toEqual([
    { mkfs: { base: 'other', name: 'fs', type: 'ext4' } },
    {
      partitioning: {
        base: 'disk',
        name: 'table',
        label: 'gpt',
        partitions: [{ name: 'a', base: 'disk', size: '1MiB' }],
      },
    },
  ])
})

test.each([
  [{}, { label: 'cloudimg-rootfs' }],
  [{ rootLabel: '' }, { label: 'cloudimg-rootfs' }],
  [{ rootLabel: 'mine' }, { label: 'mine' }],
  [{ rootFsType: 'xfs' }, { type: 'xfs', label: 'img-rootfs' }],
  [
    { rootFsType: 'ext4', rootFsOpts: '-m 1' },
    { type: 'ext4', opts: '-m 1' },
  ],
])('mkfs_root takes %j', (params, expected) => {
  expect(rootOf('- mkfs: {name: mkfs_root, base: image0}', params)).toMatchObject(expected)
})

test('what mkfs_root says itself stays', () => {
  const yaml = '- mkfs: {name: mkfs_root, base: image0, type: ext3, opts: -q, label: own}'
  expect(rootOf(yaml, { rootFsType: 'ext4', rootFsOpts: '-m 1', rootLabel: 'other' })).toMatchObject({
    type: 'ext3',
    opts: '-q',
    label: 'own',
  })
})

test('a file system with another name gets nothing', () => {
  expect(rootOf('- mkfs: {name: mkfs_data, base: image0}', { rootFsType: 'ext4', rootLabel: 'x' })).toEqual({
    base: 'image0',
    name: 'mkfs_data',
  })
})

test.each([
  ['- mkfs: {type: ext4}', "The mkfs entry has neither 'name' nor 'base': {'type': 'ext4'}"],
  ['- partitioning: {base: x, partitions: [{size: 1}]}', "A partition needs a 'name': {'size': 1}"],
  ['- partitioning: {base: x, partitions: 7}', "The value of 'partitions' is not a list: 7"],
  ['- mkfs: {base: x, mount: /}', "The values of 'mount' are not a dict: /"],
])('%s is refused with: %s', (yaml, message) => {
  expect(() => asDib(yaml)).toThrow(expect.objectContaining({ code: 'BLOCK_DEVICE_CONFIG_INVALID', message }))
})
