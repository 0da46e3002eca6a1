import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { CLI_PAGE, cliPage } from '../../tools/cli-reference.ts'

test('docs/reference/cli.md is what tools/cli-reference.ts makes of the option tables and the commands', async () => {
  const page = await cliPage()
  const building = ['build-image', 'disk-image-create', 'element-info', 'dib-run-parts', 'dib-lint']
  const running = ['coffer', 'trove-manage', 'trove-api', 'trove-taskmanager', 'trove-conductor']
  for (const command of [...building, ...running]) expect(page).toContain(`\n## ${command}\n`)
  for (const command of ['build-image lock', 'coffer up', 'trove-manage db_sync'])
    expect(page).toContain(`\n### ${command}\n`)
  expect(page).toContain('`--boot-timeout seconds`')
  expect(await readFile(CLI_PAGE, 'utf8')).toBe(page)
})
