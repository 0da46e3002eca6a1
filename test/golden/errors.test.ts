import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errorTable } from '../../tools/error-reference.ts'

test('the error reference lists every error of the sources', () => {
  expect(errorTable()).toContain('`SCRIPT_FAILED`')
  expect(readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8')).toBe(errorTable())
})
