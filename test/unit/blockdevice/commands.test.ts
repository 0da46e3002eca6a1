import { expect, test } from 'vitest'
import { flatten, parseConfig } from '../../../builder/blockdevice/config.ts'
import { mke2fsArgv } from '../../../builder/blockdevice/ext.ts'
import { buildGraph } from '../../../builder/blockdevice/graph.ts'
import { embeddedConfig } from '../../../builder/blockdevice/grub-images.ts'
import { type DiskLayout, layOut } from '../../../builder/blockdevice/layout.ts'
import { lvmCreateCommands, lvmUmountCommands } from '../../../builder/blockdevice/lvm-commands.ts'
import { mkfsArgv } from '../../../builder/blockdevice/mkfs-command.ts'
import { sfdiskScript } from '../../../builder/blockdevice/partition-table.ts'
import { rawFile } from '../../../builder/blockdevice/raw-file.ts'

const MIB = 1024 * 1024
const layoutOf = (yaml: string): DiskLayout => {
  const params = { rootFsType: 'ext4', identify: () => '01234567-89ab-cdef-0123-456789abcdef' }
  return layOut(buildGraph(flatten(parseConfig(yaml), params), params), 100 * MIB)
}
const line = (argv: readonly string[]) => argv.join(' ')
const UUID = '01234567-89ab-cdef-0123-456789abcdef'

test.each([
  [
    '{name: fs, type: ext4, label: l, opts: "-i 4096 -J size=64"}',
    `mkfs -t ext4 -i 4096 -J size=64 -L l -U ${UUID} -q /dev/x`,
  ],
  ['{name: fs, type: ext2, label: l}', `mkfs -t ext2 -L l -U ${UUID} -q /dev/x`],
  ['{name: fs, type: xfs, label: l}', `mkfs -t xfs -L l -m uuid=${UUID} -q /dev/x`],
  ['{name: fs, type: vfat, label: l}', 'mkfs -t vfat -n L /dev/x'],
  ['{name: fs, type: btrfs, label: l}', 'mkfs -t btrfs -L l /dev/x'],
  ['{name: fs, type: swap, label: l}', `mkswap -L l -U ${UUID} /dev/x`],
])('in loop mode %s is made with: %s', (mkfs, command) => {
  const yaml = `- local_loop: {name: image0, mkfs: ${mkfs}}`
  const [fileSystem] = layoutOf(yaml).fileSystems
  expect(fileSystem && line(mkfsArgv(fileSystem, '/dev/x'))).toBe(command)
})

test('LVM is made from the bottom up and taken out of use from the top down', () => {
  const [lvm] = layoutOf(`
- local_loop: {name: image0}
- partitioning: {base: image0, label: gpt, partitions: [{name: p1, size: 40MiB}, {name: p2, size: 40MiB}]}
- lvm:
    name: lvm
    pvs: [{name: a, base: p1, options: [--force]}, {name: b, base: p2}]
    vgs: [{name: vg, base: [a, b], options: [--force]}]
    lvs:
      - {name: pool, base: vg, size: 1800M, type: thin-pool}
      - {name: thin, base: vg, size: 8MiB, type: thin, thin-pool: pool}
      - {name: rest, base: vg, extents: 20%VG, options: [--wipesignatures, y]}
`).lvm
  if (lvm === undefined) throw new Error('no LVM in the layout')
  expect(lvmCreateCommands(lvm, (base) => `/dev/${base}`).map(line)).toEqual([
    'pvcreate /dev/p1 --force',
    'pvcreate /dev/p2',
    'vgcreate vg /dev/p1 /dev/p2 --force',
    'lvcreate --name pool --type thin-pool -L 1799356416B vg',
    'lvcreate --name thin --type thin --thin-pool pool -V 8388608B vg',
    'lvcreate --name rest -l 20%VG --wipesignatures y vg',
  ])
  expect(lvmUmountCommands(lvm).map(line)).toEqual([
    'lvchange -an /dev/vg/pool',
    'lvchange -an /dev/vg/thin',
    'lvchange -an /dev/vg/rest',
    'vgchange -an vg',
    'udevadm settle',
  ])
})

test('sfdisk gets every start and size, so that it decides nothing', () => {
  const layout = layoutOf(`
- local_loop: {name: image0}
- partitioning: {base: image0, label: gpt, partitions: [{name: Root Part, size: 100%}]}`)
  const table = layout.images[0]?.table
  expect(table && sfdiskScript(table)).toBe(`label: gpt
label-id: 01234567-89AB-CDEF-0123-456789ABCDEF
unit: sectors

1 : start=2048, size=200704, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=${UUID}, name="Root Part"
`)
})

test("the configuration's extended options of mke2fs are joined with ours, because it heeds only the last -E", () => {
  const [fileSystem] = layoutOf(
    '- local_loop: {name: image0, mkfs: {name: fs, type: ext4, opts: "-E resize=9 -m 1 -Estride=2"}}',
  ).fileSystems
  if (fileSystem?.extent === undefined) throw new Error('no file system in the layout')
  expect(line(mke2fsArgv(fileSystem, fileSystem.extent, rawFile('/images/image0.raw'), '/tree'))).toBe(
    `mke2fs -q -F -t ext4 -m 1 -L fs -U ${UUID} -E offset=0,hash_seed=${UUID},resize=9,stride=2 -d /tree ./image0.raw 102400k`,
  )
})

test('GRUB looks for the file system with /boot/grub by its label, on its partition first', () => {
  const table = (partitions: string) =>
    `- local_loop: {name: image0}\n- partitioning: {base: image0, label: mbr, partitions: [${partitions}]}`
  const root = '{name: root, size: 100%, flags: [primary], mkfs: {mount: {mount_point: /}}}'
  expect(embeddedConfig(layoutOf(table(root)))).toBe(
    "search --no-floppy --set=root --label 'cloudimg-rootfs' --hint hd0,msdos1\nset prefix=($root)/boot/grub\n",
  )
  const boot = `{name: boot, size: 8MiB, flags: [primary], mkfs: {type: ext2, label: "it's", mount: {mount_point: /boot}}}`
  expect(embeddedConfig(layoutOf(table(`${boot}, ${root}`)))).toBe(
    "search --no-floppy --set=root --label 'it'\\''s' --hint hd0,msdos1\nset prefix=($root)/grub\n",
  )
  expect(
    embeddedConfig(
      layoutOf('- local_loop: {name: image0, mkfs: {name: mkfs_root, mount: {mount_point: /}}}'),
    ),
  ).toBe("search --no-floppy --set=root --label 'cloudimg-rootfs'\nset prefix=($root)/boot/grub\n")
})

test.each(['/images/a?b.raw', '/images/a@@1.raw'])(
  'the file name %s is refused: tools read an offset in it',
  (path) => {
    expect(() => rawFile(path)).toThrow(expect.objectContaining({ code: 'BLOCK_DEVICE_PATH_UNSAFE' }))
  },
)
