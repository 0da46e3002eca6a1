import { expect, test } from 'vitest'
import { flatten, parseConfig } from '../../../builder/blockdevice/config.ts'
import { buildGraph } from '../../../builder/blockdevice/graph.ts'

const graphOf = (yaml: string) => {
  const params = { rootFsType: 'ext4' }
  return buildGraph(flatten(parseConfig(yaml), params), params)
}
const IMAGE = '- local_loop: {name: image0}\n'
const table = (label: string, partition: string, rest = '') =>
  `${IMAGE}- partitioning: {base: image0, label: ${label}, partitions: [${partition}]${rest}}\n`
const LVM = (changes: string) => `${table('gpt', '{name: p, size: 100%}')}- lvm:\n    name: l\n${changes}`
const VOLUMES = `    pvs: [{name: pv, base: p}]\n    vgs: [{name: vg, base: [pv]}]\n`

test('everything is created after what it stands on, mounts in the order of their paths', () => {
  const yaml = `
- mkfs: {name: var, base: c, type: ext4, mount: {mount_point: /var}}
- mkfs: {name: boot, base: b, type: ext4, mount: {mount_point: /boot}}
- mkfs: {name: root, base: a, type: ext4, mount: {mount_point: /}}
- partitioning:
    base: image0
    label: gpt
    partitions: [{name: a, size: 1MiB}, {name: b, size: 1MiB}, {name: c, size: 1MiB}]
- local_loop: {name: image0}
`
  const names = graphOf(yaml).nodes.map(({ name }) => name)
  expect(names).toEqual([
    ...['image0', 'a', 'root', 'b', 'mount_root', 'boot', 'c', 'mount_boot', 'var', 'mount_var'],
  ])
})

test.each([
  ['Duplicate node name: image0', `${IMAGE}${IMAGE}`],
  ['Edge not defined: nowhere->fs', '- mkfs: {name: fs, base: nowhere, type: ext4}'],
  ["Partitioning config needs 'base'", `${IMAGE}- partitioning: {name: t, label: mbr, partitions: []}`],
  ["Partitioning config needs 'partitions'", `${IMAGE}- partitioning: {base: image0, label: mbr}`],
  ["Partitioning config needs 'label'", `${IMAGE}- partitioning: {base: image0, partitions: []}`],
  ["Label must be 'mbr' or 'gpt'", table('bsd', '{name: a, size: 1MiB}')],
  ['Primary flag not supported for GPT partitions', table('gpt', '{name: a, size: 1MiB, flags: [primary]}')],
  ['Unknown flag: lba', table('mbr', '{name: a, size: 1MiB, flags: [lba]}')],
  ['No size in partition a', table('mbr', '{name: a}')],
  ['Mkfs config needs [type]', `${IMAGE}- mkfs: {base: image0, name: fs}`],
  ['Mkfs config needs [base]', '- mkfs: {name: fs, type: ext4}'],
  [
    'File system label [x] used more than once',
    `${IMAGE}- mkfs: {base: image0, name: a, type: ext4, label: x}\n- mkfs: {base: image0, name: b, type: ext4, label: x}`,
  ],
  [
    'File system label [EFI] used more than once',
    `${IMAGE}- mkfs: {base: image0, name: a, type: vfat, label: efi}\n- mkfs: {base: image0, name: b, type: vfat, label: EFI}`,
  ],
  [
    'Label [cloudimg-rootfs] too long for filesystem [xfs]: 15 > 12',
    `${IMAGE}- mkfs: {base: image0, name: a, type: xfs, label: cloudimg-rootfs}`,
  ],
  [
    'Label [a-very-long-label] too long for filesystem [ext4]: 17 > 16',
    `${IMAGE}- mkfs: {base: image0, name: a, type: ext4, label: a-very-long-label}`,
  ],
  [
    'Label [LONG-FAT-LABEL] too long for filesystem [vfat]: 14 > 11',
    `${IMAGE}- mkfs: {base: image0, name: long-fat-label, type: vfat}`,
  ],
  [
    'Label [a-very-long-label] too long for filesystem [swap]: 17 > 16',
    `${IMAGE}- mkfs: {base: image0, name: a-very-long-label, type: swap}`,
  ],
  [
    'Mount point [/] specified more than once',
    `${IMAGE}- mkfs: {base: image0, name: a, type: ext4, mount: {name: m1, mount_point: /}}\n- mount: {base: a, name: m2, mount_point: /}`,
  ],
  ['MountPoint config needs [mount_point]', `${IMAGE}- mount: {base: image0, name: m}`],
  ['MountPoint config needs [base]', `${IMAGE}- mount: {name: m, mount_point: /}`],
  [
    'Mount point [/../etc] is not a plain path inside the image',
    `${IMAGE}- mkfs: {base: image0, name: a, type: ext4, mount: {mount_point: /../etc}}`,
  ],
  [
    'The block device configuration goes round in a circle: a, b',
    '- mkfs: {name: a, base: b, type: ext4}\n- mkfs: {name: b, base: a, type: ext4}',
  ],
  ["Lvm config requires 'name'", '- lvm: {base: x, pvs: [], vgs: [], lvs: [], name: null}'],
  ["Lvm config requires a 'pvs'", LVM('    vgs: []\n    lvs: []\n')],
  ["Lvm config needs 'vgs'", LVM('    pvs: []\n    lvs: []\n')],
  ["Lvm config needs 'lvs'", LVM('    pvs: []\n    vgs: []\n')],
  ["Missing 'name' in pvs config", LVM('    pvs: [{base: p}]\n    vgs: []\n    lvs: []\n')],
  ["Missing 'base' in pvs_config", LVM('    pvs: [{name: pv}]\n    vgs: []\n    lvs: []\n')],
  [
    'base:other in vgs does not match a valid pvs',
    LVM('    pvs: [{name: pv, base: p}]\n    vgs: [{name: vg, base: [other]}]\n    lvs: []\n'),
  ],
  ["Missing 'size' or 'extents' in lvs config", LVM(`${VOLUMES}    lvs: [{name: lv, base: vg}]\n`)],
  [
    'base:other in lvs does not match a valid vg',
    LVM(`${VOLUMES}    lvs: [{name: lv, base: other, size: 8MiB}]\n`),
  ],
])('refused: %s', (message, yaml) => {
  expect(() => graphOf(yaml)).toThrow(
    expect.objectContaining({ code: 'BLOCK_DEVICE_CONFIG_INVALID', message }),
  )
})

test('the label of a file system defaults to its name, on vfat in capitals', () => {
  const { nodes } = graphOf(
    `${IMAGE}- mkfs: {base: image0, name: mkfs_esp, type: vfat}\n- mkfs: {base: image0, name: data, type: ext4}`,
  )
  expect(nodes.flatMap((node) => (node.kind === 'filesystem' ? [node.label] : []))).toEqual([
    'MKFS_ESP',
    'data',
  ])
})

test('logical volumes have sizes in whole extents of 4 MiB', () => {
  const { nodes } = graphOf(LVM(`${VOLUMES}    lvs: [{name: lv, base: vg, size: 1800M}]\n`))
  expect(nodes.find(({ name }) => name === 'lv')).toMatchObject({ sizeBytes: 1799356416 })
})
