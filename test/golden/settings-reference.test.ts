import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { SETTINGS_PAGE, settingsPage } from '../../tools/settings-reference.ts'

test('docs/reference/settings.md is what tools/settings-reference.ts makes of the tables of options', async () => {
  expect(settingsPage()).toContain('`max_instances_per_tenant`')
  expect(settingsPage()).toContain('`[DEFAULT] max_instances_per_user`')
  expect(await readFile(SETTINGS_PAGE, 'utf8')).toBe(settingsPage())
})
