import { expect, test } from 'vitest'
import { parseDpkgStatus } from '../../../builder/engine/dpkg-status.ts'

const installed = (fields: string) => `${fields}\nStatus: install ok installed\n`

test('packages that dpkg has installed whole are listed by name', () => {
  const status = `Package: zlib1g
Status: install ok installed
Architecture: amd64
Version: 1:1.2.13.dfsg-1

Package: adduser
Status: install ok installed
Architecture: all
Description: add and remove users
 Status: deinstall ok config-files is only text here
Version: 3.134

Package: half
Status: install ok unpacked
Architecture: amd64
Version: 1

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 2
`
  expect(parseDpkgStatus(status)).toEqual([
    { name: 'adduser', version: '3.134', architecture: 'all' },
    { name: 'zlib1g', version: '1:1.2.13.dfsg-1', architecture: 'amd64' },
  ])
})

test('the source package is told where it differs, its version only where that differs too', () => {
  const status = [
    installed('Package: libssl3\nVersion: 3.0.15-1\nArchitecture: amd64\nSource: openssl'),
    installed('Package: libgcc-s1\nVersion: 12.2.0-14\nArchitecture: amd64\nSource: gcc-12 (12.2.0-13)'),
    installed('Package: bash\nVersion: 5.2-2+b7\nArchitecture: amd64\nSource: bash (5.2-2)'),
  ].join('\n')
  expect(parseDpkgStatus(status)).toEqual([
    { name: 'bash', version: '5.2-2+b7', architecture: 'amd64', sourceVersion: '5.2-2' },
    {
      name: 'libgcc-s1',
      version: '12.2.0-14',
      architecture: 'amd64',
      source: 'gcc-12',
      sourceVersion: '12.2.0-13',
    },
    { name: 'libssl3', version: '3.0.15-1', architecture: 'amd64', source: 'openssl' },
  ])
})

test('maintainer and section are kept; a name that would leave its directory is no package', () => {
  const status = [
    installed(
      'Package: redis\nVersion: 7\nArchitecture: all\nMaintainer: Ann <ann@example.org>\nSection: database',
    ),
    installed('Package: ../../etc\nVersion: 1\nArchitecture: all'),
  ].join('\n')
  expect(parseDpkgStatus(status)).toEqual([
    {
      name: 'redis',
      version: '7',
      architecture: 'all',
      maintainer: 'Ann <ann@example.org>',
      section: 'database',
    },
  ])
})

test('a tree without packages has none', () => {
  expect(parseDpkgStatus('')).toEqual([])
})
