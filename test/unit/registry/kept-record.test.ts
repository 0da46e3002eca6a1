import { mkdtempSync } from 'node:fs'
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { sha256 } from '../../../lib/hash.ts'
import { removeTree } from '../../../lib/tree.ts'
import { openRegistryDatabase } from '../../../registry/db/index.ts'
import { parseFileRecord, stepsThatWrote } from '../../../registry/images/file-record.ts'
import { openImageStore } from '../../../registry/images/store.ts'
import { registerImage } from '../../../registry/register.ts'
import { recordFor } from './content/guest-tree.ts'
import { writeFiles } from './content/make-images.ts'

const home = mkdtempSync(join(tmpdir(), 'kept-'))
afterAll(() => removeTree(home))

let turn = 0
let directory = ''
beforeEach(async () => {
  directory = join(home, String(turn++))
  await mkdir(directory)
  await writeFile(join(directory, 'redis.raw'), 'disk')
})
const store = () => openImageStore(join(directory, 'store'))
const put = () => store().put(join(directory, 'redis.raw'), { recordDirectory: join(directory, 'redis.d') })
const record = () => recordFor('redis.raw', 'raw', 4, sha256('disk'))

test('the record of a build is kept with its image: its own files, and no others', async () => {
  await writeFiles(join(directory, 'redis.d'), {
    ...record(),
    'dib-manifests/dib_environment': 'secret',
    'other.json': '{}',
  })
  const { id } = await put()
  const files = await store().files(id)
  expect(files).toMatchObject({ image: join(directory, 'store', id, 'image.raw'), format: 'raw' })
  expect((await readdir(files?.record ?? '')).toSorted()).toEqual(['files.json.gz', 'manifest.json'])
  expect(await readFile(join(files?.record ?? '', 'manifest.json'), 'utf8')).toBe(record()['manifest.json'])
  expect((await stat(join(files?.record ?? '', 'manifest.json'))).mode & 0o777).toBe(0o644)
  await store().delete(id)
  expect(await readdir(join(directory, 'store'))).toEqual([])
  expect(await store().files(id)).toBeUndefined()
})

test('registration keeps the record of what was built', async () => {
  await writeFiles(join(directory, 'redis.d'), record())
  const database = await openRegistryDatabase('sqlite://')
  const { image } = await registerImage(
    { store: store(), database },
    {
      file: join(directory, 'redis.raw'),
      recordDirectory: join(directory, 'redis.d'),
      datastore: 'redis',
      versionName: '7.0',
      packages: [],
      content: {},
    },
  )
  await database.close()
  expect((await store().files(image.id))?.record).toBeDefined()
})

test('the same image again gets the newer record', async () => {
  const { id } = await put()
  expect((await store().files(id))?.record).toBeUndefined()
  await writeFiles(join(directory, 'redis.d'), { ...record(), 'provenance.json': 'old' })
  await put()
  await writeFiles(join(directory, 'redis.d'), { 'provenance.json': 'new' })
  await put()
  expect(await readFile(join((await store().files(id))?.record ?? '', 'provenance.json'), 'utf8')).toBe('new')
})

test('the record of another build of the same name is not kept', async () => {
  await writeFiles(join(directory, 'redis.d'), recordFor('redis.raw', 'raw', 4, sha256('another disk')))
  const { id } = await put()
  expect((await store().files(id))?.record).toBeUndefined()
})

test('a record that is a link, or broken, is refused, and nothing is kept', async () => {
  await writeFiles(join(directory, 'redis.d'), record())
  await writeFile(join(directory, 'secret'), 'secret')
  await symlink(join(directory, 'secret'), join(directory, 'redis.d', 'provenance.json'))
  await expect(put()).rejects.toMatchObject({ code: 'RECORD_FILE_UNREADABLE' })
  await writeFile(join(directory, 'redis.d', 'manifest.json'), '{"recordVersion": 7}')
  await expect(put()).rejects.toMatchObject({ code: 'BUILD_RECORD_BROKEN' })
  expect(await readdir(join(directory, 'store'))).toEqual([])
})

test('a record of files is read with care', () => {
  const files = { '/a': [1, 2], '/b': 'x', '/c': [1, 'x', null] }
  const sound = parseFileRecord(gzipSync(JSON.stringify({ recordVersion: 1, files })), 'it')
  expect(stepsThatWrote(sound, '/a')).toEqual([1, 2])
  expect(stepsThatWrote(sound, '/b')).toEqual([])
  expect(stepsThatWrote(sound, '/c')).toEqual([1])
  expect(stepsThatWrote(sound, 'constructor')).toEqual([])
  for (const bad of [
    Buffer.from('no gzip'),
    gzipSync('no JSON'),
    gzipSync('null'),
    gzipSync('{"recordVersion":1}'),
  ]) {
    expect(() => parseFileRecord(bad, 'it')).toThrow(/not the record of a build/)
  }
})
