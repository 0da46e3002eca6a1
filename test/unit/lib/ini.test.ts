import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseIni, substitute } from '../../../lib/ini.ts'

const values = (text: string, section = 'DEFAULT') =>
  Object.fromEntries([...(parseIni(text, 'f').get(section) ?? [])].map(([key, all]) => [key, all.at(-1)]))

describe('lines', () => {
  test('an option is a name, = or : and a value; the first of the two signs divides', () => {
    expect(values('[DEFAULT]\na = 1\nb: 2\nurl = http://host:80/?x=y\nmap: a=b\nempty =\n')).toEqual({
      a: '1',
      b: '2',
      url: 'http://host:80/?x=y',
      map: 'a=b',
      empty: '',
    })
  })

  test('a comment starts a line; later in a line # and ; belong to the value', () => {
    expect(values('# c\n[DEFAULT]\n; c\na = 1 # not a comment ; either\n')).toEqual({
      a: '1 # not a comment ; either',
    })
  })

  test('a line that starts with white space continues the value, and a comment or an empty line ends it', () => {
    expect(values('[DEFAULT]\na = 1\n  2\n\t3  \nb =\n x\n')).toEqual({ a: '1\n2\n3', b: '\nx' })
    expect(() => parseIni('[DEFAULT]\na = 1\n# c\n 2\n', 'f')).toThrow('f, line 4')
    expect(() => parseIni('[DEFAULT]\na = 1\n\n 2\n', 'f')).toThrow('f, line 4')
  })

  test('quotes around a whole value are taken off, once', () => {
    expect(values(`[DEFAULT]\na = 'trove.com.'\nb = "x"\nc = "x'\nd = ""q""\ne = x "y"\nf = "\n`)).toEqual({
      a: 'trove.com.',
      b: 'x',
      c: `"x'`,
      d: '"q"',
      e: 'x "y"',
      f: '',
    })
  })

  test('sections are the same in any case, but DEFAULT is not; one may come again', () => {
    expect(values('[MySQL]\na = 1\n[x]\n[mysql]\nb = 2\n', 'mysql')).toEqual({ a: '1', b: '2' })
    expect([...parseIni('[default]\na = 1\n', 'f').keys()]).toEqual(['default'])
  })

  test('every value of a repeated option is kept, in order', () => {
    expect(parseIni('[DEFAULT]\na = 1\na = 2\n', 'f').get('DEFAULT')?.get('a')).toEqual(['1', '2'])
  })

  test('a file of another system is read too', () => {
    expect(values('\uFEFF[DEFAULT]\r\na = 1\r\n 2\r\n')).toEqual({ a: '1\n2' })
  })

  test.each([
    ['a = 1', 'option a stands before the first section'],
    ['[DEFAULT', 'no closing bracket'],
    ['[]', 'the section has no name'],
    ['[DEFAULT]\nabc', 'neither = nor :'],
    ['[DEFAULT]\n= 1', 'the option has no name'],
    [' a = 1', 'continues nothing'],
  ])('%j is refused with file and line', (text, reason) => {
    expect(() => parseIni(text, '/etc/trove/trove.conf')).toThrow(
      new RegExp(`^/etc/trove/trove\\.conf, line ${text.split('\n').length}: .*${reason}`),
    )
  })
})

test('whatever is written as a file is read back', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/)
  const line = fc
    .string({ unit: 'grapheme', maxLength: 12 })
    .map((text) => text.replace(/[\r\n\u2028\u2029\u0085]/g, '').trim())
    .filter((text) => !/^["']/.test(text))
  const value = fc
    .tuple(
      line,
      fc.array(
        line.filter((text) => text !== ''),
        { maxLength: 2 },
      ),
    )
    .map(([first, more]) => [first, ...more].join('\n'))
  const file = fc.dictionary(word, fc.dictionary(word, value))
  fc.assert(
    fc.property(
      file,
      fc.constantFrom(' = ', '=', ': ', ' :'),
      fc.constantFrom('', '\n', '# note\n'),
      (sections, sign, between) => {
        const text = Object.entries(sections)
          .map(([section, options]) => {
            const lines = Object.entries(options).map(
              ([key, content]) => `${key}${sign}${content.replaceAll('\n', '\n  ')}\n${between}`,
            )
            return `[${section}]\n${between}${lines.join('')}`
          })
          .join('')
        const read = parseIni(text, 'f')
        const plain = Object.fromEntries(
          [...read].map(([section, options]) => [
            section,
            Object.fromEntries([...options].map(([key, all]) => [key, all[0]])),
          ]),
        )
        expect(plain).toEqual({ ...sections })
      },
    ),
  )
})

describe('references', () => {
  const known: Readonly<Record<string, string>> = { name: 'N', 'group.name': 'G', other: 'O' }
  const lookup = (name: string, section: string | undefined) =>
    known[section === undefined ? name : `${section}.${name}`]

  test.each([
    ['$name-$other', 'N-O'],
    ['${name}x${group.name}', 'NxG'],
    ['$group.name', 'G'],
    ['a$$name', 'a$name'],
    ['a\\$name', 'a$name'],
    ['^private$', '^private$'],
    ['pa$word ${nobody}', 'pa$word ${nobody}'],
    ['$ $1 ${', '$ $1 ${'],
    ['plain', 'plain'],
  ])('%j becomes %j', (text, result) => {
    expect(substitute(text, lookup)).toBe(result)
  })

  test('a value whose dollars are doubled comes out as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', 'n', '{', '}', 'a', ' ') }), (text) => {
        expect(substitute(text.replaceAll('$', '$$$$'), lookup)).toBe(text)
      }),
    )
  })
})
