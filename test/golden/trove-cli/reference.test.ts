import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { TROVE_PAGE, trovePage } from '../../../tools/trove-cli-reference.ts'

test('docs/reference/trove.md is what tools/trove-cli-reference.ts makes of the table of subcommands', async () => {
  const page = trovePage()
  for (const command of ['create', 'user-grant-access', 'limit-list'])
    expect(page).toContain(`\n### ${command}\n`)
  expect(page).toContain('| `--datastore_version <datastore_version>` |')
  expect(await readFile(TROVE_PAGE, 'utf8')).toBe(page)
})
