import { expect, test } from 'vitest'
import { parseStatus } from '../../../../registry/images/dpkg/status.ts'

test('maintainer and section are told; one package of two architectures is there twice, in order', () => {
  const paragraph = (architecture: string) => `Package: libc6
Status: install ok installed
Version: 2.36
Architecture: ${architecture}
Maintainer: Ann <ann@example.org>
Section: libs
`
  const both = parseStatus(`${paragraph('i386')}\n${paragraph('amd64')}`)
  expect(both.map(({ architecture }) => architecture)).toEqual(['amd64', 'i386'])
  expect(both[0]).toMatchObject({ maintainer: 'Ann <ann@example.org>', section: 'libs' })
})

test('an empty file has no packages', () => {
  expect(parseStatus('')).toEqual([])
})
