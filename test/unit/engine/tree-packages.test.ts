import { expect, test } from 'vitest'
import { parseDpkgStatus } from '../../../builder/engine/tree-packages.ts'

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

test('a tree without packages has none', () => {
  expect(parseDpkgStatus('')).toEqual([])
})
