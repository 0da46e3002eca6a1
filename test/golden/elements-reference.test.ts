import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { ELEMENTS_PAGE, elementsPage, firstParagraph } from '../../tools/elements-reference.ts'

test('docs/reference/elements.md is what tools/elements-reference.ts makes of the elements', async () => {
  expect(elementsPage()).toContain('[block-device-hybrid](../../elements/block-device-hybrid/README.rst)')
  expect(await readFile(ELEMENTS_PAGE, 'utf8')).toBe(elementsPage())
})

test('the first paragraph of a readme follows its title, with or without an empty line between', () => {
  expect(firstParagraph('===\nabc\n===\nWhat ``x``\ndoes.\n\nMore.\n')).toBe('What `x` does.')
  expect(firstParagraph('abc\n===\n\nA file::\n\n    x\n')).toBe('A file:')
})
