import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { NORMALISE_PAGE, normalisePage } from '../../tools/normalise-reference.ts'

test('docs/reference/normalise.md is what tools/normalise-reference.ts makes of the rules and the elements', async () => {
  expect(normalisePage()).toContain('| mysql | `/var/lib/mysql` |')
  expect(await readFile(NORMALISE_PAGE, 'utf8')).toBe(normalisePage())
})
