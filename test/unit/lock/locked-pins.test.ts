import { describe, expect, test } from 'vitest'
import type { Lock } from '../../../builder/lock/lock.ts'
import { lockedPins } from '../../../builder/lock/locked-pins.ts'
import { example } from './example.ts'

const pins = lockedPins(example)
const digestOf = (url: string, lock = pins) => {
  const pin = lock(url)
  return pin?.kind === 'content' ? pin.digest[0] : pin?.kind
}

test.each([
  ['http://mirror.example/debian/dists/bookworm/InRelease', 'a'],
  ['https://vendor.example/ps/apt/dists/bookworm/InRelease', 'b'],
  ['http://mirror.example/debian/pool/main/a/adduser/adduser_3.134_all.deb', 'e'],
  // Clients encode as they like.
  ['http://mirror.example/debian/pool/main/g/gcc-12/libstdc%2b%2b6_12.2.0-14%2bdeb12u1_amd64.deb', 'd'],
  ['http://mirror.example/debian/pool/main/g/gcc-12/libstdc++6_12.2.0-14+deb12u1_amd64.deb', 'd'],
  ['https://vendor.example/ps/apt/dists/bookworm/Release', 'absent'],
])('%s', (url, expected) => {
  expect(digestOf(url)).toBe(expected)
})

describe('on another mirror', () => {
  test.each([
    ['http://other.example/debian/dists/bookworm/InRelease', 'a'],
    ['http://other.example:3142/mirror.example/debian/dists/bookworm/InRelease', 'a'],
    ['http://snapshot.example/archive/debian/20260131T120000Z/dists/bookworm/InRelease', 'a'],
    ['http://other.example/vendors/ps/apt/dists/bookworm/InRelease', 'b'],
    ['http://other.example/pool/main/a/adduser/adduser_3.134_all.deb', 'e'],
    ['http://other.example/debian/dists/bookworm/main/binary-amd64/Packages.xz', 'c'],
  ])('%s is told by its path', (url, expected) => {
    expect(digestOf(url)).toBe(expected)
  })

  test('what may be of two archives is refused with both ways out', () => {
    expect(pins('http://other.example/dists/bookworm/InRelease')).toEqual({
      kind: 'refused',
      reason: expect.stringMatching(/more than one archive of the lock - hint: use the same mirrors/),
    })
  })

  test('a repository without dists and pool is told by its whole path', () => {
    const flat: Lock = {
      ...example,
      archives: { vendor: 'http://vendor.example' },
      repositories: [{ archive: 'vendor', path: 'mongo/InRelease', sha256: 'a'.repeat(64), size: 1 }],
      indexes: [],
      absent: [],
      packages: [],
    }
    const flatPins = lockedPins(flat)
    expect(digestOf('http://other.example/mongo/InRelease', flatPins)).toBe('a')
    expect(digestOf('http://other.example/some/mongo/InRelease', flatPins)).toBe('refused')
    expect(digestOf('http://other.example/dists/x/InRelease', flatPins)).toBe('refused')
  })
})

test('an address that is not in the lock is refused, with what to do', () => {
  expect(pins('http://mirror.example/debian/pool/main/t/tcpdump/tcpdump_1_amd64.deb')).toEqual({
    kind: 'refused',
    reason:
      'http://mirror.example/debian/pool/main/t/tcpdump/tcpdump_1_amd64.deb is not in the lock - hint: the build asks for more than it did then: make the lock anew',
  })
})

test('an address that is a digest is its own pin', () => {
  const digest = '9'.repeat(64)
  const url = `http://mirror.example/debian/dists/bookworm/main/binary-amd64/by-hash/SHA256/${digest}`
  expect(pins(url)).toMatchObject({ kind: 'content', digest })
})

test('what was fetched with credentials stays private', () => {
  expect(pins('https://vendor.example/ps/apt/dists/bookworm/InRelease')).toMatchObject({ private: true })
  expect(pins('http://mirror.example/debian/dists/bookworm/InRelease')).toMatchObject({ private: false })
})
