import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openApiDocument, openApiText } from '../../tools/openapi-reference.ts'

test('the committed OpenAPI document is that of the routes: make docs writes it', async () => {
  const page = readFileSync(new URL('../../docs/reference/openapi.json', import.meta.url), 'utf8')
  expect(page).toBe(await openApiText())
})

test('every operation says what it does, and every body has an example', async () => {
  const { paths } = (await openApiDocument()) as {
    readonly paths: Record<
      string,
      Record<string, { summary?: string; requestBody?: { content: Record<string, { example?: unknown }> } }>
    >
  }
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, ...operation })),
  )
  expect(operations.length).toBeGreaterThan(60)
  expect(operations.filter((operation) => (operation.summary ?? '') === '')).toEqual([])
  const withoutExample = operations.filter(
    ({ requestBody }) =>
      requestBody !== undefined && requestBody.content['application/json']?.example === undefined,
  )
  expect(withoutExample.map((operation) => operation.name)).toEqual([])
})
