import { mkdtempSync } from 'node:fs'
import { rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { removeTree } from '../../../../lib/tree.ts'
import { hole, ZEROS } from '../../../../registry/images/content/node.ts'
import { type OpenImage, openImage } from '../../../../registry/images/content/open.ts'
import { compareImages } from '../../../../registry/images/diff/compare.ts'
import { sameBytes } from '../../../../registry/images/diff/same-bytes.ts'
import { guestTree, REDIS, TCPDUMP } from '../content/guest-tree.ts'
import { emptyFile, extImage, type Files, partition, tool } from '../content/make-images.ts'

const home = mkdtempSync(join(tmpdir(), 'diff-'))
afterAll(() => removeTree(home))

let turn = 0
async function guest(
  packages = [REDIS],
  more: Files = {},
  debugfs: readonly string[] = [],
): Promise<OpenImage> {
  turn += 1
  const tree = await guestTree(join(home, `tree-${turn}`), packages, more)
  return openImage(await extImage(join(home, `${turn}.raw`), tree, { mebibytes: 8, debugfs }))
}

let plain: OpenImage
beforeAll(async () => {
  plain = await guest()
})

test('images one package apart differ in the files of that package, and in what dpkg writes down', async () => {
  const { same, packages, files } = compareImages(plain, await guest([REDIS, TCPDUMP]))
  expect(same).toBe(false)
  expect(packages).toEqual({
    added: [{ name: 'tcpdump', version: '4.99.3-1', architecture: 'amd64' }],
    removed: [],
    changed: [],
  })
  expect(files).toEqual({
    added: [
      { path: '/usr/bin/tcpdump', type: 'file', size: 7, owner: 'tcpdump' },
      { path: '/usr/share', type: 'directory', size: expect.any(Number), owner: 'tcpdump' },
      { path: '/usr/share/doc', type: 'directory', size: expect.any(Number), owner: 'tcpdump' },
      { path: '/usr/share/doc/tcpdump', type: 'directory', size: expect.any(Number), owner: 'tcpdump' },
      { path: '/usr/share/doc/tcpdump/copyright', type: 'file', size: 3, owner: 'tcpdump' },
      {
        path: '/var/lib/dpkg/info/tcpdump.list',
        type: 'file',
        size: expect.any(Number),
        owner: "dpkg's database",
      },
      {
        path: '/var/lib/dpkg/info/tcpdump.md5sums',
        type: 'file',
        size: expect.any(Number),
        owner: "dpkg's database",
      },
    ],
    removed: [],
    changed: [{ path: '/var/lib/dpkg/status', type: 'file', aspects: ['content'], owner: "dpkg's database" }],
  })
})

test('the same content is the same, in whatever format and layout', async () => {
  const tree = await guestTree(join(home, 'again'), [REDIS])
  const other = await extImage(join(home, 'other.raw'), tree, {
    mebibytes: 8,
    words: ['-b', '4096', '-O', '^64bit,^extent'],
  })
  const qcow2 = join(home, 'other.qcow2')
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', '-c', other, qcow2)
  expect(compareImages(plain, openImage(qcow2))).toMatchObject({ same: true, disk: [] })
  const { same, files, sizes } = compareImages(openImage(other), plain)
  expect(same).toBe(true)
  expect(files).toEqual({ added: [], removed: [], changed: [] })
  expect(sizes.total.from).toBe(sizes.total.to)
})

test('whatever differs of a file is named: type, content, target, mode, owner, extended attributes', async () => {
  const changed = await guest([REDIS], { 'usr/bin/redis-server': 'Program' }, [
    'sif /etc/fstab mode 0100600',
    'sif /etc/group uid 5',
    'ea_set /etc/passwd user.note "x"',
    'rm /boot/vmlinuz-6.1.0-56-amd64',
    'symlink /boot/vmlinuz-6.1.0-56-amd64 elsewhere',
    'rm /bin',
    'symlink /bin usr/sbin',
  ])
  const { files } = compareImages(plain, changed)
  expect(new Map(files.changed.map(({ path, aspects }) => [path, aspects.join(' ')]))).toEqual(
    new Map([
      ['/bin', 'target'],
      ['/boot/vmlinuz-6.1.0-56-amd64', 'type mode'],
      ['/etc/fstab', 'mode'],
      ['/etc/group', 'owner'],
      ['/etc/passwd', 'xattr'],
      ['/usr/bin/redis-server', 'content'],
    ]),
  )
})

test('a package in another version is one that changed', async () => {
  const newer = await guest([{ ...REDIS, version: '5:7.0.16-1' }])
  expect(compareImages(plain, newer).packages).toEqual({
    added: [],
    removed: [],
    changed: [{ name: 'redis-server', architecture: 'amd64', from: '5:7.0.15-1', to: '5:7.0.16-1' }],
  })
})

describe('configuration', () => {
  test('is shown as a text difference, below /etc and where packages have it', async () => {
    const other = await guest([REDIS], {
      'etc/redis/redis.conf': 'port 6380\nsave 900 1\n',
      'usr/bin/redis-server': 'x',
    })
    expect(compareImages(plain, other).configuration).toEqual([
      {
        path: '/etc/redis/redis.conf',
        lines: ['@@ -1,2 +1,2 @@', '-port 6379', '+port 6380', ' save 900 1'],
      },
    ])
  })

  test('that not everybody may read in the guest is not shown, nor what is no text', async () => {
    const secret = ['sif /etc/shadow mode 0100640']
    const one = await guest([], { 'etc/shadow': 'root:one', 'etc/cache': Buffer.from([0, 1]) }, secret)
    const two = await guest([], { 'etc/shadow': 'root:two', 'etc/cache': Buffer.from([0, 2]) }, secret)
    const { configuration } = compareImages(one, two)
    expect(configuration).toEqual([
      { path: '/etc/cache', withheld: 'binary' },
      { path: '/etc/shadow', withheld: 'private' },
    ])
    expect(JSON.stringify(configuration)).not.toContain('root:')
  })

  test('is cut off when it is long', async () => {
    const lines = (word: string) => Array.from({ length: 200 }, (_, at) => `${word} ${at}\n`).join('')
    const [one, two] = [
      await guest([], { 'etc/long': lines('a') }),
      await guest([], { 'etc/long': lines('b') }),
    ]
    const [only] = compareImages(one, two).configuration
    expect(only).toMatchObject({ path: '/etc/long', omitted: 301 })
    expect(only?.lines).toHaveLength(100)
  })
})

test('sizes are told by directory, names of one file counted once', async () => {
  const tree = await guestTree(join(home, 'sizes'), [REDIS], { 'opt/large': Buffer.alloc(1_000_000, 'x') })
  await tool('ln', join(tree, 'opt/large'), join(tree, 'opt/again'))
  const { sizes } = compareImages(
    plain,
    openImage(await extImage(join(home, 'sizes.raw'), tree, { mebibytes: 8 })),
  )
  expect(sizes.directories.find(({ path }) => path === '/opt')).toEqual({
    path: '/opt',
    from: 0,
    to: 1_000_000,
  })
  expect(sizes.total.to - sizes.total.from).toBe(1_000_000)
})

test('the disk around the files is compared too: partitions, and the code that boots', async () => {
  const tree = await guestTree(join(home, 'disk-tree'), [])
  const disk = async (name: string, label: string, code: string) => {
    const file = await emptyFile(join(home, name), 16 * 1024 ** 2)
    await partition(file, `label: gpt\nsize=1MiB, name=BSP\nsize=8MiB, name=${label}\n`)
    await extImage(file, tree, { place: { offset: 2 * 1024 ** 2, bytes: 8 * 1024 ** 2 } })
    await tool('sh', '-c', `printf ${code} | dd of='${file}' bs=512 seek=2048 conv=notrunc status=none`)
    return openImage(file)
  }
  const one = await disk('one.raw', 'root', 'code')
  expect(compareImages(one, await disk('two.raw', 'system', 'evil')).disk).toEqual([
    {
      what: 'partition 2: type',
      from: expect.stringContaining('root'),
      to: expect.stringContaining('system'),
    },
    { what: 'partition 1', from: 'code', to: 'other code' },
  ])
  expect(compareImages(one, await disk('three.raw', 'root', 'code')).same).toBe(true)
})

test('an archive is compared with a disk by its files', async () => {
  const tree = await guestTree(join(home, 'packed'), [REDIS])
  const file = join(home, 'packed.tar')
  await tool('tar', '-cf', file, '--format=posix', '--owner=0', '--group=0', '-C', tree, '.')
  await rm(join(tree, 'etc/fstab'))
  await writeFile(join(tree, 'more'), '')
  await symlink('a', join(tree, 'link'))
  const other = openImage(
    await extImage(join(home, 'packed.raw'), tree, { mebibytes: 8, debugfs: ['rmdir lost+found'] }),
  )
  const { files } = compareImages(openImage(file), other)
  expect(files.added.map(({ path }) => path)).toEqual(['/link', '/more'])
  expect(files.removed.map(({ path }) => path)).toEqual(['/etc/fstab'])
  expect(files.changed).toEqual([])
})

test('holes that both files have cost nothing', () => {
  const huge = 2 ** 42
  expect(sameBytes(hole(huge), hole(huge))).toBe(true)
  expect(sameBytes(hole(10), [Buffer.alloc(4), Buffer.alloc(6)])).toBe(true)
  expect(sameBytes(hole(10), [Buffer.alloc(9), Buffer.from('x')])).toBe(false)
  expect(sameBytes([ZEROS], [])).toBe(false)
})
