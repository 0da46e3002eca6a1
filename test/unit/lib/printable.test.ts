import { expect, test } from 'vitest'
import { printable, printableLine } from '../../../lib/printable.ts'

test('control characters are written out, line breaks and all other text stay', () => {
  expect(printable('\u001B[31mred\u0007\r\nthree\u009B2J\u0000é\u202E')).toBe(
    '\\x1b[31mred\\x07\\x0d\nthree\\x9b2J\\x00é\\u202e',
  )
})

test('a value on one line stays on one line', () => {
  expect(printableLine('a\nb\u001B[1A')).toBe('a\\nb\\x1b[1A')
})
