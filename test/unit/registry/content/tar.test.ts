import { mkdtempSync } from 'node:fs'
import { link, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { removeTree } from '../../../../lib/tree.ts'
import { openImage } from '../../../../registry/images/content/open.ts'
import { resolvePath } from '../../../../registry/images/content/resolve.ts'
import { openTar } from '../../../../registry/images/content/tar/archive.ts'
import { walk } from '../../../../registry/images/content/walk.ts'
import { inMemory, tool, writeFiles } from './make-images.ts'

const home = mkdtempSync(join(tmpdir(), 'tar-'))
afterAll(() => removeTree(home))

const source = join(home, 'source')
const long = `usr/${'long-directory/'.repeat(12)}file`

beforeAll(async () => {
  await writeFiles(source, {
    'etc/hostname': 'guest\n',
    [long]: 'deep',
    'usr/large': Buffer.alloc(2_500_000, 'x'),
  })
  await link(join(source, 'etc/hostname'), join(source, 'etc/mailname'))
  await symlink('/etc/hostname', join(source, 'usr/link'))
  await writeFile(join(source, 'etc/größe'), 'x')
})

const archive = async (...words: string[]) => {
  const file = join(home, `${words.join('').replace(/\W/g, '')}.tar`)
  await tool('tar', '-cf', file, ...words, '-C', source, '.')
  return file
}

describe('an archive is the tree that it unpacks to', () => {
  test.each(['--format=posix', '--format=gnu'])('%s', async (format) => {
    const root = openImage(await archive(format)).root()
    const content = (path: string) =>
      Buffer.concat([...resolvePath(root, path, { follow: true }).node.pieces()])
    expect(content(long).toString()).toBe('deep')
    expect(content('usr/link').toString()).toBe('guest\n')
    expect(content('usr/large').equals(Buffer.alloc(2_500_000, 'x'))).toBe(true)
    expect(content('etc/größe').toString()).toBe('x')
    const [one, other] = ['/etc/hostname', '/etc/mailname'].map(
      (path) => resolvePath(root, path, { follow: false }).node,
    )
    expect(one?.identity).toBe(other?.identity)
    expect(one?.links).toBe(2)
    expect([...walk({ path: '/', node: root })].length).toBe(21)
  })
})

test('owners, modes, times and extended attributes are those of the headers', () => {
  const value = Buffer.from([1, 0, 10, 61, 0])
  const record = (name: string, bytes: Buffer) => {
    const body = Buffer.concat([Buffer.from(` ${name}=`), bytes, Buffer.from('\n')])
    const length = body.length + String(body.length + 2).length
    return Buffer.concat([Buffer.from(String(length)), body])
  }
  const pax = Buffer.concat([
    record('uid', Buffer.from('70000')),
    record('mtime', Buffer.from('1e300')),
    record('SCHILY.xattr.security.capability', value),
  ])
  const root = openTar(
    inMemory(
      Buffer.concat([
        member('x', 'x', pax),
        member('0', 'file', Buffer.from('hello')),
        member('5', 'dir/', Buffer.alloc(0)),
        Buffer.alloc(1024),
      ]),
    ),
  )
  const node = resolvePath(root, '/file', { follow: false }).node
  expect(node).toMatchObject({ uid: 70_000, mode: 0o640, size: 5 })
  expect(node.attributes()).toEqual(new Map([['security.capability', value]]))
  expect(() => new Date(node.modified * 1000).toISOString()).not.toThrow()
})

test.each([
  ['that leads out of itself', member('0', '../etc/passwd', Buffer.from('x')), /leads out/],
  ['with a link to what is not there', member('1', 'a', Buffer.alloc(0), 'b'), /not there/],
  ['that ends within a member', member('0', 'a', Buffer.alloc(600)).subarray(0, 1100), /ends within/],
  ['with a damaged header', Buffer.alloc(512, 'x'), /header is damaged/],
  [
    'with a damaged extended header',
    member('x', 'x', Buffer.from('99 path=a\n')),
    /extended header is damaged/,
  ],
  ['with members that nobody knows', member('S', 'a', Buffer.alloc(0)), /of type S/],
])('an archive %s is refused', (_what, bytes, message) => {
  expect(() => openTar(inMemory(bytes))).toThrow(message)
})

test('a compressed archive is no image', async () => {
  const file = await archive('--format=posix')
  await tool('gzip', '-k', file)
  await expect(readFile(`${file}.gz`)).resolves.toBeDefined()
  expect(() => openImage(`${file}.gz`).root()).toThrow(/no file system/)
})

function member(flag: string, name: string, body: Buffer, linked = ''): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000640\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write(flag, 156)
  header.write(linked, 157)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)])
}
