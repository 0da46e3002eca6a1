import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkPackageFile } from '../../../builder/datastores/package-file.ts'
import { fileKind } from '../../../builder/datastores/package-kind.ts'
import { checkDatastorePackages, checkPackageLocation } from '../../../builder/datastores/package-location.ts'
import { parseVendor } from '../../../builder/datastores/vendor.ts'
import { sha256 } from '../../../lib/hash.ts'

const facts = (formats: string, more = '') =>
  `# A comment.\nTITLE="Example DB"\nDOWNLOAD_PAGE="the page of Example"\nPACKAGE_FORMATS="${formats}"\n${more}`
const debBytes = Buffer.from('!<arch>\ndebian-binary   1 0 0 644 4 `\n2.0\n')
let work: string

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'coffer-package-'))
  await writeFile(join(work, 'db.deb'), debBytes)
  await writeFile(join(work, 'db.tar.gz'), gzipSync('x'))
  await writeFile(join(work, 'login.deb'), '\n<!DOCTYPE html><title>Sign in</title>')
  await writeFile(join(work, 'db.rpm'), Buffer.from([0xed, 0xab, 0xee, 0xdb, 3]))
  await writeFile(join(work, 'empty.deb'), '')
  for (const name of ['one', 'two']) {
    await mkdir(join(work, name, 'datastore-vendor'), { recursive: true })
    await writeFile(join(work, name, 'datastore-vendor', name), facts('deb'))
  }
  await mkdir(join(work, 'plain'))
})
afterAll(() => rm(work, { recursive: true }))

describe('a package file', () => {
  const check = (formats: string, name: string, sum?: string) =>
    checkPackageFile(parseVendor('example', facts(formats)), join(work, name), sum)

  test('is known by its content, whatever its name says', async () => {
    await expect(check('deb', 'db.deb')).resolves.toBe('deb')
    await expect(check('tar', 'db.tar.gz')).resolves.toBe('tar')
    await expect(check('tar', 'db.deb')).rejects.toMatchObject({
      code: 'PACKAGE_KIND_WRONG',
      message: expect.stringContaining(
        'db.deb is a Debian package, but Example DB is installed from a tar archive',
      ),
    })
  })

  test('that is a login page says so', async () => {
    await expect(check('deb', 'login.deb')).rejects.toMatchObject({
      message: expect.stringContaining('is a web page'),
      hint: expect.stringContaining('with a browser'),
    })
  })

  test.each([
    ['db.rpm', 'is an RPM package'],
    ['empty.deb', 'is empty'],
    ['missing.deb', 'there is no such file'],
    ['plain', 'it is not a file'],
  ])('%s is refused: %s', async (name, why) => {
    await expect(check('deb tar', name)).rejects.toMatchObject({ message: expect.stringContaining(why) })
  })

  test('with another checksum than the given one is refused, and both are named', async () => {
    await expect(check('deb', 'db.deb', sha256(debBytes))).resolves.toBe('deb')
    const error = await check('deb', 'db.deb', '0'.repeat(64)).catch((caught) => caught)
    expect(error).toMatchObject({ code: 'PACKAGE_CHECKSUM_MISMATCH' })
    expect(error.message).toContain(sha256(debBytes))
    expect(error.message).toContain('nothing was installed')
  })
})

test.each([
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], 'tar'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'tar'],
  [[0x42, 0x5a, 0x68, 0x39], 'tar'],
  [[0x50, 0x4b, 3, 4], 'zip'],
  [[1, 2, 3], 'unknown'],
])('bytes %j are of kind %s', (bytes, kind) => expect(fileKind(Uint8Array.from(bytes))).toBe(kind))

test('an uncompressed tar archive is known by its magic', () => {
  const head = Buffer.alloc(512)
  head.write('ustar', 257)
  expect(fileKind(head)).toBe('tar')
})

describe('before a build', () => {
  const elements = (...names: string[]) => names.map((name) => ({ name, path: join(work, name) }))

  test('an element without vendor facts asks for nothing', async () => {
    await expect(checkDatastorePackages(elements('plain'), {}, work)).resolves.toEqual(new Map())
  })

  test('a relative path starts from the caller directory', async () => {
    const sources = await checkDatastorePackages(elements('one'), { DATASTORE_PKG_LOCATION: 'db.deb' }, work)
    expect([...sources.keys()]).toEqual(['one'])
  })

  test('a missing package is found out', async () => {
    const env = { DATASTORE_PKG_LOCATION: 'gone.deb' }
    await expect(checkDatastorePackages(elements('one'), env, work)).rejects.toMatchObject({
      code: 'PACKAGE_FILE_UNREADABLE',
      message: `${work}/gone.deb: there is no such file`,
    })
  })

  test('build-image asks by the name of the datastore', async () => {
    await expect(checkPackageLocation({ name: 'db2' }, { DB2_ACCEPT_LICENCE: 'yes' })).rejects.toMatchObject({
      code: 'PACKAGE_LOCATION_MISSING',
      message: 'DATASTORE_PKG_LOCATION is not set, and IBM Db2 has no package repository',
    })
    const env = { ELEMENTS_PATH: work, DATASTORE_PKG_LOCATION: join(work, 'db.rpm') }
    await expect(checkPackageLocation({ name: 'one' }, env)).rejects.toMatchObject({
      code: 'PACKAGE_KIND_WRONG',
    })
    await expect(checkPackageLocation({ name: 'no-such-datastore' }, env)).resolves.toBeUndefined()
  })

  test('one package cannot serve two datastores', async () => {
    const env = { DATASTORE_PKG_LOCATION: 'db.deb' }
    await expect(checkDatastorePackages(elements('one', 'two'), env, work)).rejects.toMatchObject({
      code: 'PACKAGE_LOCATION_AMBIGUOUS',
      message: expect.stringContaining('one and two'),
    })
  })
})

test.each(['TITLE=unquoted', 'UNKNOWN="x"', 'TITLE="$(id)"', 'rm -rf x'])(
  'vendor facts are data only: %j is refused',
  (line) =>
    expect(() => parseVendor('example', facts('deb', `${line}\n`))).toThrow(/^datastore-vendor\/example: /),
)
