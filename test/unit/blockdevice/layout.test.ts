import fc from 'fast-check'
import { expect, test } from 'vitest'
import { flatten, parseConfig } from '../../../builder/blockdevice/config.ts'
import { buildGraph } from '../../../builder/blockdevice/graph.ts'
import { canWriteAsFile, type DiskLayout, layOut } from '../../../builder/blockdevice/layout.ts'

const MIB = 1024 * 1024
const SECTORS_PER_MIB = 2048
const IMAGE = '- local_loop: {name: image0}\n'

const layoutOf = (yaml: string, sizeBytes: number): DiskLayout => {
  const params = { rootFsType: 'ext4', identify: (what: string) => `uuid of ${what}` }
  return layOut(buildGraph(flatten(parseConfig(yaml), params), params), sizeBytes)
}
const table = (label: string, partitions: readonly object[]) =>
  `${IMAGE}- partitioning: {base: image0, label: ${label}, partitions: ${JSON.stringify(partitions)}}\n`
const entries = (layout: DiskLayout) =>
  (layout.images[0]?.table?.partitions ?? []).map(
    ({ number, kind, startSector, sizeSectors, typeId }) =>
      `${number} ${kind} ${startSector}+${sizeSectors} ${typeId}`,
  )

test('one MBR partition of 100% starts at sector 2048 and leaves 1 MiB at the end', () => {
  const layout = layoutOf(
    table('mbr', [{ name: 'root', flags: ['boot', 'primary'], size: '100%' }]),
    262144 * 1024,
  )
  expect(entries(layout)).toEqual(['1 primary 2048+520192 83'])
  expect(layout.images[0]?.table?.partitions[0]?.bootable).toBe(true)
})

test('GPT sizes are whole MiB and 2 MiB stay free, as in the 256 MiB example of DIB', () => {
  const layout = layoutOf(
    table('gpt', [
      { name: 'BSP', type: 'EF02', size: '8MiB' },
      { name: 'root', size: '100%' },
    ]),
    256 * MIB,
  )
  expect(entries(layout)).toEqual([
    `1 primary 2048+${8 * SECTORS_PER_MIB} 21686148-6449-6E6F-744E-656564454649`,
    `2 primary ${9 * SECTORS_PER_MIB}+${246 * SECTORS_PER_MIB} 0FC63DAF-8483-4772-8E79-3D69D8477DE4`,
  ])
})

test('MBR partitions that are not primary lie in an extended one, each behind its own EBR', () => {
  const part = (name: string, size: string, flags: string[] = []) => ({ name, size, flags })
  const layout = layoutOf(
    table('mbr', [
      part('a', '10MiB', ['primary']),
      part('b', '10MiB'),
      part('c', '10MiB'),
      part('d', '100%'),
    ]),
    1024 * MIB,
  )
  expect(entries(layout)).toEqual([
    '1 primary 2048+20480 83',
    '2 extended 22528+2074624 0f',
    '5 logical 24576+20480 83',
    '6 logical 47104+20480 83',
    '7 logical 69632+2027520 83',
  ])
})

test('MBR partitions keep odd sizes; the next one starts at the next whole alignment unit', () => {
  const layout = layoutOf(
    `${IMAGE}- partitioning: {base: image0, label: mbr, align: 4MiB, partitions: [{name: a, size: 5000000, flags: [primary]}, {name: b, size: 50%, flags: [primary]}]}`,
    100 * MIB,
  )
  expect(entries(layout)).toEqual(['1 primary 8192+9765 83', '2 primary 24576+86016 83'])
})

test.each([
  [
    'All primary partitions must be given first',
    table('mbr', [
      { name: 'a', size: '1MiB' },
      { name: 'b', size: '1MiB', flags: ['primary'] },
    ]),
  ],
  [
    'An MBR holds at most four primary partitions',
    table(
      'mbr',
      ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, size: '1MiB', flags: ['primary'] })),
    ),
  ],
  [
    'An MBR holds at most four primary partitions',
    table('mbr', [
      ...['a', 'b', 'c', 'd'].map((name) => ({ name, size: '1MiB', flags: ['primary'] })),
      { name: 'e', size: '1MiB' },
    ]),
  ],
  [
    'The MBR partition type [EF00] is not a hexadecimal byte',
    table('mbr', [{ name: 'a', size: '1MiB', type: 'EF00' }]),
  ],
  ['The GPT partition type [1234] is not known', table('gpt', [{ name: 'a', size: '1MiB', type: '1234' }])],
  ['The block device configuration has no local_loop named image0', '- local_loop: {name: disk}'],
  [
    'm mounts a, which is not a mkfs',
    `${table('gpt', [{ name: 'a', size: '1MiB' }])}- mount: {name: m, base: a, mount_point: /}`,
  ],
])('refused: %s', (message, yaml) => {
  expect(() => layoutOf(yaml, 100 * MIB)).toThrow(
    expect.objectContaining({ code: 'BLOCK_DEVICE_CONFIG_INVALID', message }),
  )
})

test('four primary partitions fit', () => {
  const four = ['a', 'b', 'c', 'd'].map((name) => ({ name, size: '1MiB', flags: ['primary'] }))
  expect(entries(layoutOf(table('mbr', four), 100 * MIB))).toHaveLength(4)
})

test.each(['mbr', 'gpt'])('partitions that do not fit on a %s disk are refused, not cut', (label) => {
  const two = (second: string) =>
    table(label, [
      { name: 'a', size: '40MiB' },
      { name: 'b', size: second },
    ])
  for (const second of ['200%', '70MiB']) {
    expect(() => layoutOf(two(second), 100 * MIB)).toThrow(
      expect.objectContaining({
        code: 'BLOCK_DEVICE_TOO_SMALL',
        hint: expect.stringContaining('--image-size'),
      }),
    )
  }
  expect(() => layoutOf(two('0%'), 100 * MIB)).toThrow('There is no room left for partition b (size 0%)')
})

test('fstab has a line for each mount with an fstab entry, parents first', () => {
  const yaml = `${IMAGE}- partitioning:
    base: image0
    label: gpt
    partitions:
      - {name: v, size: 1MiB, mkfs: {type: ext4, label: my var, mount: {mount_point: /var, fstab: {options: noatime, dump-freq: 1}}}}
      - {name: s, size: 1MiB, mkfs: {type: swap, label: swap0, mount: {mount_point: swap, fstab: {}}}}
      - {name: e, size: 1MiB, mkfs: {type: vfat, label: esp, mount: {mount_point: /boot/efi}}}
      - {name: root, size: 100%, mkfs: {mount: {mount_point: /, fstab: {fsck-passno: 1}}}}
`
  const layout = layoutOf(yaml, 100 * MIB)
  expect(layout.fstab).toBe(
    'LABEL=cloudimg-rootfs / ext4 defaults 0 1\nLABEL=my\\040var /var ext4 noatime 1 2\nLABEL=swap0 none swap sw 0 0\n',
  )
  expect(layout.mounts.map(({ mountPoint }) => mountPoint)).toEqual(['/', '/boot/efi', '/var', 'swap'])
  expect(canWriteAsFile(layout)).toEqual({ ok: true })
})

test.each([
  [
    'mkfs_a is xfs, which can be filled only when it is mounted',
    `${IMAGE}- mkfs: {base: image0, name: mkfs_a, type: xfs}`,
  ],
  ['image0 has sectors of 4096 bytes', '- local_loop: {name: image0, block_size: 4096}'],
  [
    'the layout uses LVM (l)',
    `${IMAGE}- lvm: {name: l, pvs: [{name: pv, base: image0}], vgs: [{name: vg, base: [pv]}], lvs: []}`,
  ],
])('a disk needs loop mode when %s', (reason, yaml) => {
  expect(canWriteAsFile(layoutOf(yaml, 100 * MIB))).toEqual({ ok: false, reason })
})

test('a disk with sectors of 4096 bytes counts in them', () => {
  const yaml = `- local_loop: {name: image0, block_size: 4096}
- partitioning: {base: image0, label: gpt, partitions: [{name: a, size: 8MiB}, {name: b, size: 100%}]}`
  expect(entries(layoutOf(yaml, 64 * MIB)).map((line) => line.split(' ')[2])).toEqual([
    '256+2048',
    '2304+13824',
  ])
})

const anySize = fc.oneof(
  fc.integer({ min: 1, max: 40 }).map((count) => `${count}MiB`),
  fc.integer({ min: 512, max: 30_000_000 }).map(String),
  fc.integer({ min: 1, max: 100 }).map((percent) => `${percent}%`),
)

test('any list of partitions fits on its disk, overlaps nowhere and is aligned, or is refused', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('mbr', 'gpt'),
      fc.integer({ min: 16, max: 4096 }),
      fc.array(fc.record({ size: anySize, primary: fc.boolean() }), { minLength: 1, maxLength: 12 }),
      (label, mib, list) => {
        const firstLogical = list.findIndex(({ primary }) => !primary)
        const yaml = table(
          label,
          list.map(({ size, primary }, index) => ({
            name: `p${index}`,
            size,
            ...(label === 'mbr' && primary && (firstLogical < 0 || index < firstLogical)
              ? { flags: ['primary'] }
              : {}),
          })),
        )
        let layout: DiskLayout
        try {
          layout = layoutOf(yaml, mib * MIB)
        } catch (error) {
          expect(error).toMatchObject({
            code: expect.stringMatching(/^BLOCK_DEVICE_(TOO_SMALL|CONFIG_INVALID)$/),
          })
          return
        }
        const partitions = layout.images[0]?.table?.partitions ?? []
        const extended = partitions.find(({ kind }) => kind === 'extended')
        const last = mib * SECTORS_PER_MIB - (label === 'gpt' ? 34 : 0)
        let free = 1
        for (const partition of partitions) {
          const end = partition.startSector + partition.sizeSectors
          expect(partition.startSector % SECTORS_PER_MIB).toBe(0)
          expect(partition.startSector).toBeGreaterThanOrEqual(free)
          expect(end).toBeLessThanOrEqual(last)
          if (partition.kind === 'logical') {
            // An EBR lies before each logical partition, inside the extended one.
            expect(partition.startSector - SECTORS_PER_MIB).toBeGreaterThanOrEqual(free)
            expect(end).toBeLessThanOrEqual((extended?.startSector ?? 0) + (extended?.sizeSectors ?? 0))
          }
          free = partition.kind === 'extended' ? partition.startSector : end
        }
        expect(new Set(partitions.map(({ number }) => number)).size).toBe(partitions.length)
      },
    ),
    { numRuns: 300 },
  )
})
