import { mkdtempSync } from 'node:fs'
import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CofferError } from '../../../../lib/errors.ts'
import { sha256 } from '../../../../lib/hash.ts'
import { removeTree } from '../../../../lib/tree.ts'
import { openBytes } from '../../../../registry/images/content/bytes.ts'
import { openExt } from '../../../../registry/images/content/ext/file-system.ts'
import type { FileNode } from '../../../../registry/images/content/node.ts'
import { findPath, resolvePath } from '../../../../registry/images/content/resolve.ts'
import { walk } from '../../../../registry/images/content/walk.ts'
import { emptyFile, extImage, inMemory, tool, writeAt, writeFiles } from './make-images.ts'

const home = mkdtempSync(join(tmpdir(), 'ext-'))
afterAll(() => removeTree(home))

const source = join(home, 'source')
/** Names that a shell, a terminal or a line of text would stumble over. */
const ODD_NAMES = [
  'with space',
  'quote"s and \'s',
  'line\nbreak',
  '-rf',
  'größe',
  'back\\slash',
  '<7>',
  '~',
  '%s',
]

beforeAll(async () => {
  await writeFiles(source, {
    'etc/hostname': 'guest\n',
    'etc/empty': '',
    'usr/lib/large': Buffer.alloc(2_000_000, 'coffer'),
    'deep/a/b/c/d/e/f': 'deep',
    'lost/': '',
  })
  for (const name of ODD_NAMES) await writeFile(join(source, 'lost', name), name)
  // A byte that is no UTF-8: node hands it on as a buffer.
  await writeFile(Buffer.concat([Buffer.from(`${source}/lost/`), Buffer.from([0x66, 0xff])]), 'latin')
  await symlink('usr/lib', join(source, 'lib'))
  await symlink('/etc/hostname', join(source, 'usr', 'absolute'))
  await symlink('../../../../../../../../etc/hostname', join(source, 'usr', 'above'))
  await symlink(`/${'long/'.repeat(40)}target`, join(source, 'usr', 'long'))
  await symlink('round', join(source, 'round'))
  await symlink('nowhere', join(source, 'dangling'))
  await link(join(source, 'etc', 'hostname'), join(source, 'etc', 'mailname'))
  await chmod(join(source, 'etc', 'empty'), 0o4750)
  await mkdir(join(source, 'many'))
  for (let number = 0; number < 1000; number++) await writeFile(join(source, 'many', `file-${number}`), '')
  // Every other block of 4 KiB is written: as many extents as blocks, so their tree has several levels.
  const holes = await emptyFile(join(source, 'holes'), 3_000_000)
  for (let at = 0; at < 3_000_000; at += 8192) await writeAt(holes, Buffer.alloc(4096, `${at} `), at)
  await truncate(holes, 4_000_000)
})

/** Everything of the source directory, as the machine itself sees it. */
async function expected(directory: string, path = ''): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const name of await readdir(directory, { encoding: 'buffer' })) {
    const file = Buffer.concat([Buffer.from(`${directory}/`), name])
    const here = `${path}/${name.toString('latin1')}`
    const { mode, size, mtimeMs, nlink } = await lstat(file)
    const kind = mode & 0o170000
    const what =
      kind === 0o120000 ? await readlink(file) : kind === 0o100000 ? sha256(await readFile(file)) : ''
    const common = [
      mode & 0o7777,
      Math.floor(mtimeMs / 1000),
      kind === 0o40000 ? '' : `${nlink} ${size}`,
      what,
    ]
    found.set(here, common.join(' '))
    if (kind === 0o40000) {
      for (const [below, facts] of await expected(`${directory}/${name}`, here)) found.set(below, facts)
    }
  }
  return found
}

function seen(root: FileNode): Map<string, string> {
  const found = new Map<string, string>()
  for (const { path, node } of walk({ path: '/', node: root })) {
    if (path === '/' || path === '/lost+found') continue
    const { type, mode, modified, links, size } = node
    const what =
      type === 'symlink' ? node.target() : type === 'file' ? sha256(Buffer.concat([...node.pieces()])) : ''
    const counts = type === 'directory' ? '' : `${links} ${size}`
    // Surrogates stand for bytes that are no UTF-8.
    const bytes = [...path].map((one) =>
      /[\udc80-\udcff]/.test(one) ? Buffer.from([one.charCodeAt(0) - 0xdc00]) : Buffer.from(one),
    )
    found.set(Buffer.concat(bytes).toString('latin1'), [mode, modified, counts, what].join(' '))
  }
  return found
}

let turn = 0
const image = (words: readonly string[], debugfs: readonly string[] = [], mebibytes = 24) =>
  extImage(join(home, `${turn++}.ext`), source, { mebibytes, words, debugfs })

/** One for all tests that change nothing. */
let plain: Promise<string>
beforeAll(() => {
  plain = image([])
})

describe('a file system is read as it was made', () => {
  test.each([
    ['as mke2fs makes it', []],
    ['with 32-bit block numbers', ['-O', '^64bit']],
    ['with checksums', ['-O', '64bit,metadata_csum']],
    ['with checksums from a seed', ['-O', 'metadata_csum_seed']],
    ['in blocks of 1 KiB', ['-b', '1024']],
    ['with inodes of 128 bytes', ['-I', '128']],
    ['with inodes of 1024 bytes', ['-I', '1024']],
    ['ext3, with block pointers', ['-t', 'ext3']],
    ['ext2 in blocks of 1 KiB', ['-t', 'ext2', '-b', '1024']],
    ['without flexible groups, in many', ['-O', '^flex_bg', '-b', '1024', '-g', '1024']],
  ])('%s', async (_what, words) => {
    const root = openExt(openBytes(await image(words)), 'it')
    const facts = seen(root)
    const want = await expected(source)
    expect([...facts.keys()].toSorted()).toEqual([...want.keys()].toSorted())
    expect([...facts].filter(([path, fact]) => fact !== want.get(path))).toEqual([])
  })

  test('with an index of its large directories', async () => {
    const file = await image([])
    await tool('e2fsck', '-f', '-y', '-D', file)
    const names = findPath(openExt(openBytes(file), 'it'), '/many', { follow: false })?.node.names()
    expect(names?.length).toBe(1000)
    expect(names).toContain('file-999')
  })

  test('with devices, owners, times after 2038, capabilities and other attributes', async () => {
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
    await writeFile(join(home, 'capability'), capability)
    await writeFile(join(home, 'attribute'), Buffer.alloc(900, 'x'))
    const root = openExt(
      openBytes(
        await image(
          [],
          [
            'mknod null c 1 3',
            'mknod disk b 259 700',
            'mknod pipe p',
            'sif /etc/hostname uid 70000',
            'sif /etc/hostname gid 33',
            'sif /etc/hostname mtime @0x1f0000000',
            'sif /etc/hostname mtime_extra 1',
            `ea_set -f ${home}/capability /etc/empty security.capability`,
            'ea_set /etc/empty user.note "one two"',
            `ea_set -f ${home}/attribute /usr/lib/large user.large`,
          ],
        ),
      ),
      'it',
    )
    const at = (path: string) => resolvePath(root, path, { follow: false }).node
    expect(at('/null')).toMatchObject({ type: 'character device', device: [1, 3] })
    expect(at('/disk')).toMatchObject({ type: 'block device', device: [259, 700] })
    expect(at('/pipe').type).toBe('fifo')
    expect(at('/etc/hostname')).toMatchObject({ uid: 70_000, gid: 33 })
    expect(new Date(at('/etc/hostname').modified * 1000).getUTCFullYear()).toBeGreaterThan(2038)
    expect(at('/etc/empty').attributes()).toEqual(
      new Map([
        ['security.capability', capability],
        ['user.note', Buffer.from('one two')],
      ]),
    )
    expect(at('/usr/lib/large').attributes().get('user.large')).toEqual(Buffer.alloc(900, 'x'))
  })
})

test('names of one file have one identity', async () => {
  const root = openExt(openBytes(await plain), 'it')
  const identity = (path: string) => findPath(root, path, { follow: false })?.node.identity
  expect(identity('/etc/mailname')).toBe(identity('/etc/hostname'))
  expect(identity('/etc/empty')).not.toBe(identity('/etc/hostname'))
})

describe('a path', () => {
  let root: FileNode
  beforeAll(async () => {
    root = openExt(openBytes(await plain), 'it')
  })
  const at = (path: string, follow = true) => resolvePath(root, path, { follow }).path

  test.each([
    ['etc/hostname', '/etc/hostname'],
    ['//etc/./hostname/', '/etc/hostname'],
    ['/../../etc/hostname', '/etc/hostname'],
    ['/usr/absolute', '/etc/hostname'],
    ['/usr/above', '/etc/hostname'],
    ['/lib/../hostname', undefined],
    ['/lib/large', '/usr/lib/large'],
    ['/', '/'],
  ])('%s leads to %s, and never out of the image', (path, place) => {
    if (place === undefined) expect(() => at(path)).toThrow(/does not exist in the image/)
    else expect(at(path)).toBe(place)
  })

  test('ends at a link when links are not followed', () => {
    expect(at('/usr/above', false)).toBe('/usr/above')
    expect(at('/lib/large', false)).toBe('/usr/lib/large')
  })

  test('with a link that goes round, or to nothing, or through a file is refused', () => {
    expect(() => at('/round')).toThrow(/too many symbolic links/)
    expect(() => at('/dangling')).toThrow(/does not exist/)
    expect(() => at('/etc/hostname/more')).toThrow(/does not exist/)
  })
})

describe('a damaged file system', () => {
  test('gives an error of ours or some content, whatever bytes were changed', async () => {
    const small = await writeFiles(join(home, 'small'), {
      'etc/passwd': 'root:x:0:0:::\n',
      'usr/large': Buffer.alloc(200_000, 'x'),
      'usr/share/doc/a': 'a',
    })
    await symlink(`/${'long/'.repeat(30)}`, join(small, 'usr', 'link'))
    const images = await Promise.all(
      [[], ['-t', 'ext2', '-b', '1024'], ['-O', '^64bit', '-I', '128']].map(async (words, index) => {
        const file = join(home, `small-${index}.ext`)
        await extImage(file, small, {
          mebibytes: 1,
          words,
          debugfs: ['ea_set /etc/passwd user.note "a value"'],
        })
        return readFile(file)
      }),
    )
    // Most of the file is unused: changes go to bytes that are not zero, and to their neighbours.
    const places = images.map((bytes) =>
      [...bytes.keys()].filter((at) => bytes[at] !== 0 || bytes[at + 1] !== 0),
    )
    const change = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(fc.nat(2), fc.array(change, { minLength: 1, maxLength: 6 }), (which, changes) => {
        const copy = Buffer.from(images[which] ?? '')
        const own = places[which] ?? []
        for (const [place, mask] of changes) {
          const at = own[place % own.length] ?? 0
          copy[at] = (copy[at] ?? 0) ^ mask
        }
        readEverything(copy)
      }),
      { numRuns: 400 },
    )
  })

  test('with a directory in itself, or a file without end, is told', async () => {
    const file = await image([], ['link /deep/a /deep/a/b/again'])
    expect(() => [...walk({ path: '/', node: openExt(openBytes(file), 'it') })]).toThrow(/another place/)
    const huge = await image([], ['sif /etc/empty size 0xfffffffffffffff'])
    expect(() => findPath(openExt(openBytes(huge), 'it'), '/etc/empty', { follow: true })).toThrow(/bytes/)
  })

  test.each([
    ['data in inodes', ['-O', 'inline_data']],
    ['meta block groups', ['-O', 'meta_bg,^resize_inode']],
    ['encryption', ['-O', 'encrypt']],
  ])('with %s is refused by name, not misread', async (_what, words) => {
    const file = await image(words)
    expect(() => openExt(openBytes(file), 'it')).toThrow(/file system has features/)
  })
})

/** What no damage may do: throw anything but our errors. The amounts that are read have limits of their own. */
function readEverything(bytes: Buffer): void {
  try {
    const root = openExt(inMemory(bytes), 'it')
    let left = 20_000
    for (const { node } of walk({ path: '/', node: root })) {
      if (left-- === 0) return
      try {
        node.target()
        node.attributes()
        let pieces = 0
        for (const _ of node.pieces()) if (++pieces > 64) break
      } catch (error) {
        expect(error).toBeInstanceOf(CofferError)
      }
    }
  } catch (error) {
    expect(error).toBeInstanceOf(CofferError)
  }
}
