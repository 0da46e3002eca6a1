import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DiskLayout } from '../../builder/blockdevice/layout.ts'
import { writeImageFile } from '../../builder/blockdevice/write-file.ts'
import { run } from '../../lib/exec.ts'
import { layoutOf, manifest, quiet } from './blockdevice-support.ts'

const HYBRID = new URL('../../elements/block-device-hybrid/block-device-default.yaml', import.meta.url)

let work: string
let tree: string
let rawPath: string

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'coffer-disk-test-'))
  tree = join(work, 'tree')
  rawPath = join(work, 'image0.raw')
  await mkdir(tree, { mode: 0o755 })
})

afterEach(async () => {
  const left = await run(['findmnt', '--noheadings', '--list', '--output', 'TARGET'])
  expect(left.stdout).not.toContain(work)
  await rm(work, { recursive: true })
})

/** Puts a file into the tree, its directories too. */
async function put(path: string, text: string, mode = 0o644): Promise<string> {
  const full = join(tree, path)
  await mkdir(dirname(full), { recursive: true })
  await writeFile(full, text)
  await chmod(full, mode)
  return full
}

const write = (layout: DiskLayout) => writeImageFile({ layout, tree, rawPath, log: quiet })

/** Mounts one file system of the image read-only while `look` runs. */
async function withMounted<T>(
  layout: DiskLayout,
  name: string,
  look: (at: string) => Promise<T>,
): Promise<T> {
  const extent = layout.fileSystems.find((fileSystem) => fileSystem.name === name)?.extent
  const at = await mkdtemp(join(work, 'look-'))
  const options = `ro,loop,offset=${extent?.offset},sizelimit=${extent?.size}`
  await run(['mount', '-o', options, rawPath, at])
  try {
    return await look(at)
  } finally {
    await run(['umount', at])
  }
}

async function checkExt(layout: DiskLayout): Promise<void> {
  for (const { type, extent, name } of layout.fileSystems) {
    if (!type.startsWith('ext')) continue
    const check = await run(['e2fsck', '-fn', `${rawPath}?offset=${extent?.offset}`], { check: false })
    expect({ name, status: check.exitCode }).toEqual({ name, status: 0 })
  }
}

test('owners, modes, times, links, holes, devices, capabilities, attributes and odd names survive', async () => {
  const owned = await put('srv/owned', 'mine', 0o4750)
  await chown(owned, 70_000, 80_000)
  await chmod(owned, 0o4750)
  await utimes(owned, 1_000_000_000, 1_234_567_890)
  await link(owned, join(tree, 'srv/second name'))
  await symlink('/etc/nowhere', join(tree, 'srv/dangling'))
  for (const name of ["it's", 'new\nline', '-dash', 'ünïcode', '$(touch x)', 'a'.repeat(255)]) {
    await put(`odd/${name}`, name)
  }
  await mkdir(join(tree, 'tmp'))
  await chmod(join(tree, 'tmp'), 0o1777)
  await run(['mknod', join(tree, 'null'), 'c', '1', '3'])
  await run(['mkfifo', join(tree, 'pipe')])
  await run(['truncate', '-s', '40M', join(tree, 'hole')])
  await put('usr/bin/ping', 'program', 0o755)
  await run(['setcap', 'cap_net_raw+ep', join(tree, 'usr/bin/ping')])
  const attributed = await put('srv/attributed', 'text')
  await run([
    '/usr/bin/python3',
    '-c',
    "import os, sys; os.setxattr(sys.argv[1], 'user.note', b'kept')",
    attributed,
  ])

  const layout = layoutOf(await readFile(HYBRID, 'utf8'), 64)
  await write(layout)

  await checkExt(layout)
  const before = await manifest(tree)
  expect(before.join('\n')).toContain('usr/bin/ping cap_net_raw=ep')
  expect(await withMounted(layout, 'mkfs_root', manifest)).toEqual(before)
  const note = ["import os, sys; print(os.getxattr(sys.argv[1], 'user.note').decode())"]
  const read = await withMounted(layout, 'mkfs_root', (at) =>
    run(['/usr/bin/python3', '-c', ...note, join(at, 'srv/attributed')]),
  )
  expect(read.stdout).toBe('kept\n')
  // A file of 64 MiB that takes a few: journal, inode tables and holes are not written.
  expect((await lstat(rawPath)).blocks * 512).toBeLessThan(4 * 1024 * 1024)
})

test('what sfdisk reads back is the layout', async () => {
  const layout = layoutOf(await readFile(HYBRID, 'utf8'), 64)
  await write(layout)
  const { partitiontable: table } = JSON.parse((await run(['sfdisk', '--json', rawPath])).stdout)
  expect(table).toMatchObject({ label: 'gpt', id: layout.images[0]?.table?.id })
  expect(
    table.partitions.map((found: Record<string, unknown>) => [
      found.start,
      found.size,
      found.type,
      found.uuid,
      found.name,
    ]),
  ).toEqual(
    layout.images[0]?.table?.partitions.map((wanted) => [
      wanted.startSector,
      wanted.sizeSectors,
      wanted.typeId,
      wanted.uuid?.toUpperCase(),
      wanted.name,
    ]),
  )
  expect((await run(['sfdisk', '--verify', rawPath])).stdout).toContain('No errors detected')
})

test('an MBR keeps its extended and logical partitions, and its disk id', async () => {
  const layout = layoutOf(
    `- local_loop: {name: image0}
- partitioning:
    base: image0
    label: mbr
    partitions:
      - {name: root, size: 20MiB, flags: [boot, primary], mkfs: {mount: {mount_point: /}}}
      - {name: swap, size: 8MiB, type: '82', mkfs: {type: swap, label: swap0}}
      - {name: data, size: 100%, mkfs: {type: ext2, label: data, mount: {mount_point: /data}}}
`,
    64,
  )
  await put('data/file', 'text')
  await write(layout)
  await checkExt(layout)
  const { stdout } = await run(['sfdisk', '--dump', rawPath])
  expect(stdout).toContain(`label-id: 0x${layout.images[0]?.table?.id}`)
  expect(stdout.match(/start=.*/g)).toEqual([
    'start=        2048, size=       40960, type=83, bootable',
    'start=       43008, size=       88064, type=f',
    'start=       45056, size=       16384, type=82',
    'start=       63488, size=       67584, type=83',
  ])
  const swap = layout.extents.swap?.offset ?? 0
  const probe = await run(['blkid', '--probe', '--offset', String(swap), '-o', 'export', rawPath])
  expect(probe.stdout).toContain('LABEL=swap0')
  expect(await withMounted(layout, 'mkfs_data', (at) => readFile(join(at, 'file'), 'utf8'))).toBe('text')
})

test('nested mount points: each file system holds its own part of the tree and nothing of the others', async () => {
  const part = (name: string, type: string, mountPoint: string, size: string) =>
    `      - {name: ${name}, size: ${size}, mkfs: {type: ${type}, label: ${name}, mount: {mount_point: ${mountPoint}}}}\n`
  const layout = layoutOf(
    `- local_loop: {name: image0}\n- partitioning:\n    base: image0\n    label: gpt\n    partitions:\n${[
      part('esp', 'vfat', '/boot/efi', '8MiB'),
      part('boot', 'ext2', '/boot', '8MiB'),
      part('tmp', 'ext4', '/tmp', '16MiB'),
      part('log', 'ext4', '/var/log', '16MiB'),
      part('root', 'ext4', '/', '100%'),
    ].join('')}`,
    80,
  )
  await put('etc/hostname', 'guest')
  await put('boot/vmlinuz', 'kernel')
  await put('boot/efi/EFI/debian/shim.efi', 'shim')
  await put('tmp/scratch', 'x')
  await chmod(join(tree, 'tmp'), 0o1777)
  await chown(join(tree, 'tmp'), 123, 70_001)

  await write(layout)

  await checkExt(layout)
  const names = (at: string) =>
    run(['find', '.', '-mindepth', '1', '-not', '-name', 'lost+found'], { cwd: at }).then(({ stdout }) =>
      stdout.trim().split('\n').sort(),
    )
  expect(await withMounted(layout, 'mkfs_root', names)).toEqual([
    ...['./boot', './etc', './etc/hostname', './tmp', './var', './var/log'],
  ])
  expect(await withMounted(layout, 'mkfs_boot', names)).toEqual(['./efi', './vmlinuz'])
  expect(await withMounted(layout, 'mkfs_tmp', names)).toEqual(['./scratch'])
  const root = await withMounted(layout, 'mkfs_tmp', (at) => lstat(at))
  expect([root.mode & 0o7777, root.uid, root.gid]).toEqual([0o1777, 123, 70_001])
  const below = await withMounted(layout, 'mkfs_root', (at) => lstat(join(at, 'tmp')))
  expect([below.mode & 0o7777, below.uid]).toEqual([0o755, 0])
  const esp = layout.extents.esp?.offset
  const copied = await run(['mtype', '-i', `${rawPath}@@${esp}`, '::/EFI/debian/shim.efi'])
  expect(copied.stdout).toBe('shim')
  // The tree itself is as it was.
  expect(await readFile(join(tree, 'boot/vmlinuz'), 'utf8')).toBe('kernel')
})

test('the root directory of the image is root:root 0755 whatever the build directory was', async () => {
  await chmod(tree, 0o700)
  const layout = layoutOf(await readFile(HYBRID, 'utf8'), 64)
  await write(layout)
  const root = await withMounted(layout, 'mkfs_root', (at) => lstat(at))
  expect([root.mode & 0o7777, root.uid, root.gid]).toEqual([0o755, 0, 0])
})

test('the file system has the features every GRUB and kernel reads, and no tables left to zero at first boot', async () => {
  const layout = layoutOf(await readFile(HYBRID, 'utf8'), 64)
  await write(layout)
  const device = `${rawPath}?offset=${layout.extents.root?.offset}`
  const { stdout } = await run(['dumpe2fs', device])
  expect(stdout).toMatch(/Filesystem features: .*64bit.*metadata_csum/)
  expect(stdout).not.toMatch(/metadata_csum_seed|orphan_file/)
  expect(stdout).toMatch(/Filesystem volume name: +cloudimg-rootfs/)
  expect(stdout).toMatch(/Block size: +4096/)
  const groups = stdout.match(/^Group \d+:.*$/gm) ?? []
  expect(groups.length).toBeGreaterThan(0)
  expect(groups.filter((line) => !line.includes('ITABLE_ZEROED'))).toEqual([])
})

test('the same tree with the same identities gives the same partition table and file system identities', async () => {
  const layout = layoutOf(await readFile(HYBRID, 'utf8'), 64)
  const read = async () => {
    await write(layout)
    const { stdout } = await run([
      'blkid',
      '--probe',
      '--offset',
      String(layout.extents.root?.offset),
      rawPath,
    ])
    return `${(await run(['sfdisk', '--dump', rawPath])).stdout}${stdout}`
  }
  expect(await read()).toBe(await read())
})

test('a tree that does not fit is a clear error', async () => {
  await run(['dd', 'if=/dev/urandom', `of=${join(tree, 'large')}`, 'bs=1M', 'count=60'])
  await expect(write(layoutOf(await readFile(HYBRID, 'utf8'), 64))).rejects.toMatchObject({
    code: 'BLOCK_DEVICE_TOO_SMALL',
    message: expect.stringContaining('The tree does not fit on the file system mkfs_root'),
    hint: expect.stringContaining('--image-size'),
  })
})

test('a mount point that a link leads out of the tree is refused', async () => {
  await symlink('/tmp', join(tree, 'boot'))
  await expect(write(layoutOf(await readFile(HYBRID, 'utf8'), 64))).rejects.toMatchObject({
    code: 'BLOCK_DEVICE_TREE_UNSAFE',
    message: expect.stringContaining('/boot is not a directory in the image'),
  })
})

test('what FAT cannot hold is refused by name', async () => {
  await mkdir(join(tree, 'boot/efi'), { recursive: true })
  await symlink('x', join(tree, 'boot/efi/link'))
  await expect(write(layoutOf(await readFile(HYBRID, 'utf8'), 64))).rejects.toMatchObject({
    code: 'BLOCK_DEVICE_FAT_CONTENT',
    message: expect.stringMatching(
      /boot\/efi\/link cannot be written: FAT holds only files and directories$/,
    ),
  })
})
