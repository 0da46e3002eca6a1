import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { PHASE_PAGE, phasePage } from '../../../tools/phase-table.ts'

test('docs/reference/phases.md is what tools/phase-table.ts makes of phases/', async () => {
  expect(await readFile(PHASE_PAGE, 'utf8')).toBe(phasePage())
})
