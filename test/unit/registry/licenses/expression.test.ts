import fc from 'fast-check'
import parse from 'spdx-expression-parse'
import { describe, expect, test } from 'vitest'
import { licenseExpression } from '../../../../registry/images/licenses/expression.ts'

const one = (synopsis: string) => licenseExpression([synopsis]).expression

describe('short names of Debian become SPDX ids', () => {
  test.each([
    ['Expat', 'MIT'],
    ['MIT', 'MIT'],
    ['BSD-3-clause', 'BSD-3-Clause'],
    ['Apache-2', 'Apache-2.0'],
    ['Apache-2.0+', 'Apache-2.0+'],
    ['Artistic', 'Artistic-1.0-Perl'],
    ['GPL-2', 'GPL-2.0-only'],
    ['GPL-2+', 'GPL-2.0-or-later'],
    ['GPL-2.0+', 'GPL-2.0-or-later'],
    ['GPLv3+', 'GPL-3.0-or-later'],
    ['LGPL-2.1+', 'LGPL-2.1-or-later'],
    ['LGPL-2+', 'LGPL-2.0-or-later'],
    ['AGPL-3', 'AGPL-3.0-only'],
    ['GFDL-NIV-1.3+', 'GFDL-1.3-no-invariants-or-later'],
    ['CC0', 'CC0-1.0'],
    ['Zlib', 'Zlib'],
    ['PostgreSQL', 'PostgreSQL'],
    ['Perl', 'GPL-1.0-or-later OR Artistic-1.0-Perl'],
    ['GPL-2 with Linux-syscall-note exception', 'GPL-2.0-only WITH Linux-syscall-note'],
    ['GPL-3+ with Bison exception', 'GPL-3.0-or-later WITH Bison-exception-2.2'],
    ['GPL-3+-WITH-BISON-EXCEPTION', 'GPL-3.0-or-later WITH Bison-exception-2.2'],
    ['GPL-2+-libtool-exception', 'GPL-2.0-or-later WITH Libtool-exception'],
    ['GPL-2+ with Autoconf exception', 'GPL-2.0-or-later WITH Autoconf-exception-2.0'],
  ])('%s is %s', (name, expected) => {
    expect(licenseExpression([name])).toEqual({ expression: expected, references: [] })
  })
})

describe('a name without an SPDX id is kept under a reference', () => {
  test.each([
    // Without a version nobody knows which one is meant.
    ['GPL', 'LicenseRef-GPL'],
    ['BSD', 'LicenseRef-BSD'],
    ['public-domain', 'LicenseRef-public-domain'],
    // An exception that SPDX has several of, or none.
    [
      'GPL-2+ with OpenSSL exception',
      expect.stringMatching(/^LicenseRef-GPL-2-with-OpenSSL-exception-[0-9a-f]{8}$/),
    ],
    [
      'Same terms as Perl, and more',
      expect.stringMatching(/^LicenseRef-Same-terms-as-Perl-and-more-[0-9a-f]{8}$/),
    ],
    ['§§', expect.stringMatching(/^LicenseRef-license-[0-9a-f]{8}$/)],
  ])('%s', (name, id) => {
    const { expression, references } = licenseExpression([name])
    expect(expression).toEqual(id)
    expect(references).toEqual([{ id: expression, name }])
  })

  test('names that differ in a sign only have references that differ', () => {
    expect(one('OPL-1+')).not.toBe(one('OPL-1 '))
    expect(one('MIT/X11')).not.toBe(one('MIT-X11'))
  })
})

describe('or, and, comma', () => {
  test.each([
    ['GPL-1+ or Artistic', 'GPL-1.0-or-later OR Artistic-1.0-Perl'],
    ['GPL-2 or Expat and ISC', 'GPL-2.0-only OR (MIT AND ISC)'],
    ['GPL-2 or Expat, and ISC', '(GPL-2.0-only OR MIT) AND ISC'],
    ['REGCOMP, and GPL-1+ or Artistic', 'LicenseRef-REGCOMP AND (GPL-1.0-or-later OR Artistic-1.0-Perl)'],
    ['LGPLv3+_or_GPLv2+', 'LGPL-3.0-or-later OR GPL-2.0-or-later'],
    ['Expat or MIT', 'MIT'],
  ])('%s is %s', (synopsis, expected) => {
    expect(one(synopsis)).toBe(expected)
  })

  test('licences of different files all hold, in an order of their own', () => {
    expect(licenseExpression(['Zlib', 'GPL-2+ or Expat', 'Expat', 'Zlib']).expression).toBe(
      '(GPL-2.0-or-later OR MIT) AND MIT AND Zlib',
    )
    expect(licenseExpression([])).toEqual({ expression: undefined, references: [] })
  })
})

test('whatever a copyright file says, the expression is one that SPDX understands', () => {
  const word = fc.oneof(
    fc.constantFrom(
      'GPL-2+',
      'Expat',
      'or',
      'and',
      'and/or',
      ',',
      'with',
      'exception',
      'Perl',
      'GPL',
      '+',
      '(',
      ')',
    ),
    fc.string({ maxLength: 12 }),
  )
  fc.assert(
    fc.property(
      fc.array(
        fc.array(word, { maxLength: 8 }).map((words) => words.join(' ')),
        { maxLength: 4 },
      ),
      (synopses) => {
        const { expression, references } = licenseExpression(synopses)
        if (expression === undefined) return
        expect(() => parse(expression)).not.toThrow()
        const used = new Set(expression.match(/LicenseRef-[A-Za-z0-9.-]+/g))
        expect(new Set(references.map(({ id }) => id))).toEqual(used)
      },
    ),
  )
})
