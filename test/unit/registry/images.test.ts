import { mkdtempSync } from 'node:fs'
import { appendFile, mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { sha256 } from '../../../lib/hash.ts'
import { removeTree } from '../../../lib/tree.ts'
import { imageId } from '../../../registry/images/manifest.ts'
import { checkQcow2Header } from '../../../registry/images/qcow2-header.ts'
import { openImageStore } from '../../../registry/images/store.ts'

const home = mkdtempSync(join(tmpdir(), 'images-'))
afterAll(() => removeTree(home))

let turn = 0
let directory = ''
beforeEach(async () => {
  directory = join(home, String(turn++))
  await mkdir(directory)
})

/** A well-formed head of a version 3 file with a virtual size of one gibibyte. */
function qcow2(change: (head: Buffer) => void = () => undefined): Buffer {
  const head = Buffer.alloc(65_536)
  head.writeUInt32BE(0x514649fb, 0)
  head.writeUInt32BE(3, 4)
  head.writeUInt32BE(16, 20)
  head.writeBigUInt64BE(1n << 30n, 24)
  head.writeUInt32BE(112, 100)
  change(head)
  return head
}

async function image(name: string, bytes: Buffer | string = qcow2()): Promise<string> {
  const file = join(directory, name)
  await writeFile(file, bytes)
  return file
}

describe('putting an image', () => {
  test('keeps the bytes under an id made from them, with a manifest', async () => {
    const store = openImageStore(join(directory, 'store'))
    const manifest = await store.put(await image('mysql.qcow2'), {
      elements: ['debian-minimal', 'vm', 'mysql'],
      packages: [{ name: 'mysql-server', version: '9.7.4-2', architecture: 'amd64' }],
      datastore: 'mysql',
    })
    expect(manifest).toMatchObject({
      id: imageId(sha256(qcow2())),
      name: 'mysql.qcow2',
      format: 'qcow2',
      sha256: sha256(qcow2()),
      size: 65_536,
      virtualSize: 1 << 30,
      elements: ['debian-minimal', 'vm', 'mysql'],
    })
    expect(manifest.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(await store.list()).toEqual([manifest])
    const { path, format } = await store.locate(manifest.id)
    expect(format).toBe('qcow2')
    expect(await readFile(path)).toEqual(qcow2())
    // Guests read it under accounts of their own.
    expect((await stat(path)).mode & 0o777).toBe(0o644)
  })

  test('the same bytes twice are one image, described as the second time', async () => {
    const store = openImageStore(join(directory, 'store'))
    const first = await store.put(await image('a.qcow2'), {})
    const second = await store.put(await image('b.qcow2'), { agentVersion: '1.2' })
    expect(second.id).toBe(first.id)
    expect(await store.list()).toEqual([second])
    expect(await readdir(join(directory, 'store'))).toEqual([first.id])
  })

  test('an entry whose file was cut short is mended by the next put', async () => {
    const store = openImageStore(join(directory, 'store'))
    const { id } = await store.put(await image('a.qcow2'), {})
    await truncate((await store.locate(id)).path, 10)
    await expect(store.locate(id)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' })
    await store.put(await image('a.qcow2'), {})
    await expect(store.locate(id)).resolves.toMatchObject({ format: 'qcow2' })
  })
})

test.each([
  ['a backing file', (head: Buffer) => head.writeBigUInt64BE(512n, 8), /backing file/],
  ['an external data file', (head: Buffer) => head.writeBigUInt64BE(4n, 72), /external data file/],
  ['a data file name only', (head: Buffer) => head.writeUInt32BE(0x44415441, 112), /external data file/],
  ['encryption', (head: Buffer) => head.writeUInt32BE(2, 32), /encrypted/],
  ['unknown features', (head: Buffer) => head.writeBigUInt64BE(1n << 20n, 72), /not known/],
  ['a corrupt mark', (head: Buffer) => head.writeBigUInt64BE(2n, 72), /corrupt/],
  ['a huge virtual size', (head: Buffer) => head.writeBigUInt64BE(1n << 60n, 24), /virtual size/],
  ['version 1', (head: Buffer) => head.writeUInt32BE(1, 4), /version 1/],
  ['extensions without end', (head: Buffer) => head.writeUInt32BE(65_530, 100), /do not end/],
])('a qcow2 file with %s is refused, and nothing of it stays', async (_what, change, reason) => {
  const store = openImageStore(join(directory, 'store'))
  const file = await image('bad.qcow2', qcow2(change))
  await expect(store.put(file, {})).rejects.toMatchObject({
    code: 'IMAGE_REFUSED',
    message: expect.stringMatching(reason),
  })
  expect(await readdir(join(directory, 'store'))).toEqual([])
})

test('a header of version 2 has no features to look at', () => {
  expect(checkQcow2Header(qcow2((head) => head.writeUInt32BE(2, 4)).subarray(0, 72))).toBe(1 << 30)
})

test('a raw image is what its name says, and not a qcow2 file in disguise', async () => {
  const store = openImageStore(join(directory, 'store'))
  expect(await store.put(await image('disk.raw', 'boot sector'), {})).toMatchObject({ virtualSize: 11 })
  await expect(store.put(await image('trap.raw'), {})).rejects.toMatchObject({ code: 'IMAGE_REFUSED' })
  await expect(store.put(await image('disk.vmdk', 'x'), {})).rejects.toMatchObject({ code: 'IMAGE_REFUSED' })
  await expect(store.put(join(directory, 'none.raw'), {})).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
})

test('an image that was changed in the store is not used, even if it was before', async () => {
  const store = openImageStore(join(directory, 'store'))
  const { id } = await store.put(await image('a.raw', 'one'), {})
  const { path } = await store.locate(id)
  const { atime, mtime } = await stat(path)
  await writeFile(path, 'two')
  await utimes(path, atime, mtime)
  await expect(store.locate(id)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' })
  await expect(store.locate('00000000-0000-8000-8000-000000000000')).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
  })
})

test('images are found by id, its beginning, digest or name, and never by a path', async () => {
  const store = openImageStore(join(directory, 'store'))
  const manifest = await store.put(await image('a.raw', 'one'), { name: 'mysql 9' })
  for (const word of [manifest.id, manifest.id.slice(0, 8), manifest.sha256, 'mysql 9']) {
    expect(await store.find(word)).toEqual(manifest)
  }
  for (const word of ['', '../x', manifest.id.slice(0, 2), 'mysql'])
    expect(await store.find(word)).toBeUndefined()
})

test('prune removes what nothing refers to, and delete is satisfied with nothing', async () => {
  const store = openImageStore(join(directory, 'store'))
  const kept = await store.put(await image('a.raw', 'one'), {})
  const gone = await store.put(await image('b.raw', 'two'), {})
  expect(await store.prune(new Set([kept.id]))).toEqual([gone])
  expect(await store.list()).toEqual([kept])
  await store.delete(gone.id)
  await store.delete('../../etc')
  expect(await openImageStore(join(directory, 'nothing')).list()).toEqual([])
})

test('a broken manifest hides one image and spoils no list', async () => {
  const store = openImageStore(join(directory, 'store'))
  const { id } = await store.put(await image('a.raw', 'one'), {})
  const kept = await store.put(await image('b.raw', 'two'), {})
  await appendFile(join(directory, 'store', id, 'manifest.json'), 'x')
  expect(await store.list()).toEqual([kept])
  await expect(store.locate(id)).rejects.toMatchObject({ code: 'IMAGE_MANIFEST_BROKEN' })
})
