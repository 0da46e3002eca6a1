import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { DATASTORES_PAGE, datastoresPage } from '../../tools/datastores-reference.ts'

test('docs/reference/datastores.md is what tools/datastores-reference.ts makes of datastores and vendors', async () => {
  expect(datastoresPage()).toContain('`VERTICA_ACCEPT_EULA=yes`; `DATASTORE_PKG_LOCATION`')
  expect(await readFile(DATASTORES_PAGE, 'utf8')).toBe(datastoresPage())
})
