import { expect, test } from 'vitest'
import { purl } from '../../../../registry/images/sbom/purl.ts'

test.each([
  [
    {
      type: 'deb',
      namespace: 'debian',
      name: 'libstdc++6',
      version: '1:12.2.0-14+deb12u1~x',
      qualifiers: { distro: 'debian-12', arch: 'amd64', upstream: undefined },
    },
    'pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1~x?arch=amd64&distro=debian-12',
  ],
  [{ type: 'generic', name: 'node', version: '24.21.0' }, 'pkg:generic/node@24.21.0'],
  [{ type: 'generic', name: 'a b(c)' }, 'pkg:generic/a%20b%28c%29'],
  [
    {
      type: 'generic',
      name: 'x',
      qualifiers: { download_url: 'https://example.org/a?b', checksum: 'sha256:00' },
    },
    'pkg:generic/x?checksum=sha256:00&download_url=https:%2F%2Fexample.org%2Fa%3Fb',
  ],
])('%j', (parts, text) => {
  expect(purl(parts)).toBe(text)
})
