import { expect, test } from 'vitest'
import { parseCopyright } from '../../../builder/engine/copyright-file.ts'

const FORMAT = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/'

test('a machine-readable file gives the licences of its files, once each', () => {
  const text = `${FORMAT}
Upstream-Name: openssl

Files: *
Copyright: 1998 The OpenSSL Project
License: Apache-2.0

Files: debian/*
Copyright: 2004 Ann
License:   GPL-1+  or Artistic
 The text of it.
 .
 Goes on.

Files: b
License: Apache-2.0

License: Artistic
 This paragraph is only the text of a licence.
`
  expect(parseCopyright(text)).toEqual({ licenses: ['Apache-2.0', 'GPL-1+ or Artistic'], mentioned: [] })
})

test('a licence of the header counts, and paragraphs of their own where there is nothing else', () => {
  expect(parseCopyright(`${FORMAT}\nLicense: Expat\n\nFiles: *\nCopyright: me\n`).licenses).toEqual(['Expat'])
  expect(parseCopyright(`${FORMAT}\n\nLicense: ISC\n text\n\nLicense: Zlib\n text\n`).licenses).toEqual([
    'ISC',
    'Zlib',
  ])
})

test('a licence text in the place of a short name is not taken for one', () => {
  const text = `${FORMAT}\n\nFiles: *\nLicense: ${'Permission is hereby granted '.repeat(5)}\n\nFiles: x\nLicense:\n Text\n`
  expect(parseCopyright(text).licenses).toEqual([])
})

test('any other file gives the common licences that it refers to', () => {
  const text = `This package was debianized by Ann.

On Debian systems see /usr/share/common-licenses/LGPL-2.1, and
\`/usr/share/common-licenses/GPL-2'. Also /usr/share/common-licenses/GPL-2.
License: this line proves nothing here
`
  expect(parseCopyright(text)).toEqual({ licenses: [], mentioned: ['GPL-2', 'LGPL-2.1'] })
  expect(parseCopyright('')).toEqual({ licenses: [], mentioned: [] })
})

test('files written on other systems are read as well', () => {
  expect(parseCopyright(`\uFEFF${FORMAT}\r\n\r\nFiles: *\r\nLicense: MIT\r\n\r\n`).licenses).toEqual(['MIT'])
})
