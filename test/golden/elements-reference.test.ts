import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { ELEMENTS_PAGE, elementsPage, firstParagraph } from '../../tools/elements-reference.ts'

test('docs/reference/elements.md is what tools/elements-reference.ts makes of the elements', async () => {
  expect(elementsPage()).toContain('[block-device-hybrid](../../elements/block-device-hybrid/README.rst)')
  expect(await readFile(ELEMENTS_PAGE, 'utf8')).toBe(elementsPage())
})

test('the first paragraph of a readme follows its title, with or without an empty line between', () => {
  expect(firstParagraph('===\nabc\n===\nWhat ``x``\ndoes.\n\nMore.\n')).toBe('What `x` does.')
})

test('what leads over to a list is left out of the first paragraph', () => {
  expect(firstParagraph('abc\n===\n\nReads a disk. Understood are:\n\n* x\n')).toBe('Reads a disk.')
  expect(firstParagraph('abc\n===\n\nSettings, for use in install.d::\n\n    x\n')).toBe(
    'Settings, for use in install.d.',
  )
})
