import { describe, expect, test } from 'vitest'
import {
  checkRepositoryLine,
  parseLocation,
  planPackageSource,
} from '../../../builder/datastores/package-source.ts'
import { parseVendor } from '../../../builder/datastores/vendor.ts'

const sum = 'ab'.repeat(32)
const facts = 'TITLE="Example DB"\nDOWNLOAD_PAGE="the page of Example"\nPACKAGE_FORMATS="deb tar"\n'
const packaged = parseVendor('example', facts)
const licensed = parseVendor('example', `${facts}LICENCE_VARIABLE="EXAMPLE_ACCEPT_EULA"\n`)
const published = parseVendor(
  'example',
  `${facts}APT_REPO_DEBIAN="deb https://db.example/apt @RELEASE@ main"\nAPT_KEY="https://db.example/key"\nAPT_KEY_FINGERPRINTS="${'A1'.repeat(20)}"\n`,
)
const unsigned = parseVendor(
  'example',
  `${facts}APT_REPO_DEBIAN="deb https://db.example/apt x main"\nAPT_KEY="https://db.example/key"\n`,
)
const code = (action: () => unknown): { code: string; message: string; hint: string } => {
  try {
    action()
  } catch (error) {
    return error as { code: string; message: string; hint: string }
  }
  throw new Error('nothing was thrown')
}

describe('DATASTORE_PKG_LOCATION', () => {
  test('is a path', () => {
    expect(planPackageSource(packaged, { DATASTORE_PKG_LOCATION: '/srv/db2.tar.gz' })).toMatchObject({
      from: 'package',
      location: { kind: 'file', path: '/srv/db2.tar.gz', sha256: undefined },
    })
  })

  test('is a file: URL', () => {
    expect(parseLocation('X', 'file:///srv/a%20b.deb', undefined)).toMatchObject({ path: '/srv/a b.deb' })
  })

  test('is an http(s) URL with its sha256 beside it or at its end, in either case of letters', () => {
    const beside = planPackageSource(packaged, {
      DATASTORE_PKG_LOCATION: 'https://files.example/db.deb',
      DATASTORE_PKG_SHA256: sum.toUpperCase(),
    })
    const inside = planPackageSource(packaged, {
      DATASTORE_PKG_LOCATION: `https://files.example/db.deb#sha256=${sum}`,
    })
    expect(beside).toEqual(inside)
    expect(inside).toMatchObject({ location: { kind: 'url', sha256: sum } })
  })

  test('as a URL without a sha256 is refused, with what to set', () => {
    const error = code(() =>
      planPackageSource(packaged, { DATASTORE_PKG_LOCATION: 'https://files.example/db.deb' }),
    )
    expect(error).toMatchObject({ code: 'PACKAGE_CHECKSUM_MISSING' })
    expect(error.hint).toContain('DATASTORE_PKG_SHA256')
  })

  test.each(['abc', `${sum}00`, 'g'.repeat(64)])('with the sha256 %j is refused', (text) => {
    const env = { DATASTORE_PKG_LOCATION: '/srv/db.deb', DATASTORE_PKG_SHA256: text }
    expect(code(() => planPackageSource(packaged, env)).code).toBe('PACKAGE_CHECKSUM_INVALID')
  })

  test('with two different sha256 is refused', () => {
    const env = {
      DATASTORE_PKG_LOCATION: `https://files.example/db.deb#sha256=${sum}`,
      DATASTORE_PKG_SHA256: 'cd'.repeat(32),
    }
    expect(code(() => planPackageSource(packaged, env)).code).toBe('PACKAGE_CHECKSUM_INVALID')
  })

  test.each([
    'ftp://files.example/db.deb',
    'gopher://files.example/db.deb',
    'https://',
    'file://elsewhere/db.deb',
    'https://me:secret@files.example/db.deb',
    'http://169.254.169.254/latest',
    'http://2852039166/latest',
    'http://0xa9fea9fe/latest',
    'http://[fe80::1]/db.deb',
    'http://[::ffff:169.254.169.254]/db.deb',
    '/srv/a\nb.deb',
  ])('%j is refused', (text) => {
    const error = code(() => parseLocation('DATASTORE_PKG_LOCATION', text, sum))
    expect(error.code).toBe('PACKAGE_LOCATION_INVALID')
    expect(error.message).not.toContain('secret')
  })

  test('may stay unset only for a datastore that has a repository', () => {
    const error = code(() => planPackageSource(packaged, {}))
    expect(error).toMatchObject({
      code: 'PACKAGE_LOCATION_MISSING',
      message: 'DATASTORE_PKG_LOCATION is not set, and Example DB has no package repository',
    })
    expect(error.hint).toContain('the page of Example')
    expect(planPackageSource(published, {}).from).toBe('repository')
  })

  test('wins over the repository', () => {
    expect(planPackageSource(published, { DATASTORE_PKG_LOCATION: '/srv/db.deb' }).from).toBe('package')
  })
})

describe('a licence', () => {
  test('must be accepted by name before anything else counts', () => {
    const env = { DATASTORE_PKG_LOCATION: '/srv/db.deb' }
    expect(code(() => planPackageSource(licensed, env))).toMatchObject({
      code: 'LICENCE_NOT_ACCEPTED',
      hint: expect.stringContaining('EXAMPLE_ACCEPT_EULA=yes'),
    })
    expect(planPackageSource(licensed, { ...env, EXAMPLE_ACCEPT_EULA: 'yes' }).from).toBe('package')
  })
})

describe('the repository', () => {
  test('comes with the vendor key and the fingerprint known for it', () => {
    expect(planPackageSource(published, {})).toMatchObject({
      repository: { lines: [], fingerprints: ['A1'.repeat(20)], key: { kind: 'url' } },
    })
  })

  test('with a key of your own is not held to the vendor key', () => {
    expect(planPackageSource(published, { EXAMPLE_APT_KEY: '/etc/example.asc' })).toMatchObject({
      repository: { fingerprints: [], key: { kind: 'file', path: '/etc/example.asc' } },
    })
  })

  test('with a downloaded key needs something to verify it by', () => {
    expect(code(() => planPackageSource(unsigned, {})).code).toBe('APT_KEY_UNVERIFIED')
    expect(planPackageSource(unsigned, { EXAMPLE_APT_KEY_SHA256: sum }).from).toBe('repository')
    const spaced = 'a1a1 '.repeat(10)
    expect(planPackageSource(unsigned, { EXAMPLE_APT_KEY_FINGERPRINT: spaced }).from).toBe('repository')
    expect(code(() => planPackageSource(unsigned, { EXAMPLE_APT_KEY_FINGERPRINT: 'A1A1A1A1' })).code).toBe(
      'APT_KEY_UNVERIFIED',
    )
  })

  test('may be several lines', () => {
    const env = { EXAMPLE_APT_REPO: 'deb https://a.example/apt x main; deb http://b.example/flat ./' }
    expect(planPackageSource(published, env)).toMatchObject({
      repository: { lines: ['deb https://a.example/apt x main', 'deb http://b.example/flat ./'] },
    })
  })

  test.each([
    'deb https://a.example/apt bookworm main contrib',
    'deb [arch=amd64,arm64] https://a.example/apt bookworm main',
    'deb https://a.example/flat ./',
  ])('%j is a line', (line) => expect(() => checkRepositoryLine('X', line)).not.toThrow())

  test.each([
    'https://a.example/apt',
    'deb-src https://a.example/apt x main',
    'deb [trusted=yes] https://a.example/apt x main',
    'deb [signed-by=/k] https://a.example/apt x main',
    'deb file:/srv/apt x main',
    'deb https://me:pw@a.example/apt x main',
    'deb https://a.example/apt x',
    'deb https://a.example/apt ./ main',
  ])('%j is refused', (line) => expect(() => checkRepositoryLine('X', line)).toThrow(/^X: /))
})
