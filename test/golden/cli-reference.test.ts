import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { CLI_PAGE, cliPage } from '../../tools/cli-reference.ts'

test('docs/reference/cli.md is what tools/cli-reference.ts makes of the option tables and the commands', async () => {
  const page = await cliPage()
  for (const command of ['build-image', 'disk-image-create', 'element-info', 'dib-run-parts', 'dib-lint']) {
    expect(page).toContain(`\n## ${command}\n`)
  }
  expect(page).toContain('`--boot-timeout seconds`')
  expect(await readFile(CLI_PAGE, 'utf8')).toBe(page)
})
