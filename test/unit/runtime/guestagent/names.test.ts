import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  escapePattern,
  identifier,
  unescapePattern,
} from '../../../../runtime/guestagent/managers/mysql-family/names.ts'

test('wildcards of a database name are escaped in grants, and any name comes back', () => {
  expect(escapePattern('a_b%c\\d')).toBe('a\\_b\\%c\\\\d')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => unescapePattern(escapePattern(name)) === name),
  )
})

test('an identifier ends where it should', () => {
  expect(identifier('a`b').toSqlString()).toBe('`a``b`')
  expect(() => identifier('a\0b')).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
})
