import { expect, test } from 'vitest'
import { makeLock, type Taken } from '../../../builder/lock/make-lock.ts'
import type { Served } from '../../../builder/packages/pins.ts'
import { parseRelease } from '../../../builder/packages/release-file.ts'

const got = (url: string, letter: string, more: Partial<Served> = {}): Served => ({
  url,
  status: 200,
  digest: letter.repeat(64),
  size: 1,
  ...more,
})
const release = parseRelease('Origin: Debian\nSuite: stable\nDate: Sat, 31 Jan 2026 12:00:00 UTC\n')
const older = parseRelease('Origin: Vendor\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n')
const facts = { name: 'hello', version: '1:1.0', architecture: 'amd64', suite: 'bookworm', component: 'main' }

const taken: Taken = {
  builder: '0.1.0',
  architecture: 'amd64',
  distribution: undefined,
  release: undefined,
  sourceDate: undefined,
  served: [
    got('http://mirror.example/debian/dists/bookworm/InRelease', 'a'),
    got('http://mirror.example/debian/dists/bookworm/main/binary-amd64/Packages.xz', 'b'),
    got('http://mirror.example/debian/pool/main/h/hello/hello_1.0%2bx_amd64.deb', 'c'),
    { url: 'http://vendor.example/mongo/InRelease', status: 404 },
    got('http://vendor.example/mongo/Release', 'd'),
    got('http://vendor.example/mongo/Packages', 'e', { private: true }),
  ],
  recorded: [],
  releases: new Map([
    ['a'.repeat(64), release],
    ['d'.repeat(64), older],
  ]),
  packages: new Map([['c'.repeat(64), facts]]),
}

test('archives are told from files, and everything served has its place', () => {
  const lock = makeLock(taken)
  expect(lock.archives).toEqual({
    debian: 'http://mirror.example/debian',
    'vendor.example': 'http://vendor.example',
  })
  expect(lock.repositories).toEqual([
    {
      archive: 'debian',
      path: 'dists/bookworm/InRelease',
      origin: 'Debian',
      suite: 'stable',
      date: '2026-01-31T12:00:00Z',
      sha256: 'a'.repeat(64),
      size: 1,
    },
    expect.objectContaining({ archive: 'vendor.example', path: 'mongo/Release', origin: 'Vendor' }),
  ])
  expect(lock.indexes).toEqual([
    expect.objectContaining({ path: 'dists/bookworm/main/binary-amd64/Packages.xz' }),
    expect.objectContaining({ path: 'mongo/Packages', private: true }),
  ])
  expect(lock.packages).toEqual([
    {
      ...facts,
      archive: 'debian',
      path: 'pool/main/h/hello/hello_1.0+x_amd64.deb',
      sha256: 'c'.repeat(64),
      size: 1,
    },
  ])
  expect(lock.absent).toEqual([{ archive: 'vendor.example', path: 'mongo/InRelease', status: 404 }])
})

test('the source date is the newest of the repositories, unless one is given', () => {
  expect(makeLock(taken).sourceDate).toBe('2026-01-31T12:00:00Z')
  expect(makeLock({ ...taken, sourceDate: new Date(0) }).sourceDate).toBe('1970-01-01T00:00:00Z')
  expect(makeLock({ ...taken, releases: new Map() })).not.toHaveProperty('sourceDate')
})

test('what the root element says of its system goes before what the caller asked for', () => {
  const system = { kind: 'system', distribution: 'debian', release: 'bookworm' } as const
  expect(makeLock({ ...taken, release: 'stable', recorded: [system] })).toMatchObject({
    distribution: 'debian',
    release: 'bookworm',
  })
  expect(makeLock({ ...taken, release: 'stable' })).toMatchObject({ release: 'stable' })
})

test('sources and downloads are named once, however often they were taken', () => {
  const file = { kind: 'file', url: 'https://x.example/k', sha256: 'f'.repeat(64), size: 2 } as const
  const source = {
    kind: 'source',
    name: 'app',
    location: 'l',
    ref: 'main',
    revision: '1'.repeat(40),
  } as const
  const lock = makeLock({ ...taken, recorded: [file, source, file, source] })
  expect(lock.downloads).toEqual([{ url: file.url, sha256: file.sha256, size: 2 }])
  expect(lock.sources).toEqual([{ name: 'app', location: 'l', ref: 'main', revision: source.revision }])
})

test('a mirror that changed during the build makes no lock', () => {
  const again = got('http://mirror.example/debian/dists/bookworm/InRelease', 'f')
  expect(() => makeLock({ ...taken, served: [...taken.served, again] })).toThrow(
    expect.objectContaining({ code: 'LOCK_NOT_ONE_STATE', retryable: true }),
  )
})

test('two archives whose names would be the same are numbered', () => {
  const served = ['one', 'two'].map((host) => got(`http://${host}.example/debian/dists/x/InRelease`, 'a'))
  expect(makeLock({ ...taken, served }).archives).toEqual({
    debian: 'http://one.example/debian',
    'debian-2': 'http://two.example/debian',
  })
})

test('a package below dists, or with its archive below a directory pool, stays with its archive', () => {
  const served = [
    got('http://m.example/pool/apt/dists/x/InRelease', 'a'),
    got('http://m.example/pool/apt/dists/x/main/binary-amd64/hello_1_amd64.deb', 'c'),
    got('http://m.example/pool/apt/files/hello_1_amd64.deb', 'c'),
  ]
  const lock = makeLock({ ...taken, served })
  expect(lock.archives).toEqual({ apt: 'http://m.example/pool/apt' })
  expect(lock.packages.map(({ path }) => path)).toEqual([
    'dists/x/main/binary-amd64/hello_1_amd64.deb',
    'files/hello_1_amd64.deb',
  ])
})
