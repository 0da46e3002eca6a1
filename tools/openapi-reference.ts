// Writes docs/reference/openapi.json from the routes of the API service. A golden test keeps it current.
import { writeFileSync } from 'node:fs'
import type {} from '@fastify/swagger'
import { pino } from 'pino'
import type { ApiDeps } from '../runtime/api/deps.ts'
import { buildApi } from '../runtime/api/index.ts'

const page = new URL('../docs/reference/openapi.json', import.meta.url)

/** Nothing is asked of these while routes are only described. */
const described = {
  log: pino({ level: 'silent' }),
  settings: {},
} as unknown as ApiDeps

/** The OpenAPI document of the API service. */
export async function openApiDocument(): Promise<Record<string, unknown>> {
  const app = await buildApi(described, { openapi: true })
  await app.ready()
  const document = app.swagger() as unknown as Record<string, unknown>
  await app.close()
  return document
}

/** The text of docs/reference/openapi.json. */
export async function openApiText(): Promise<string> {
  return `${JSON.stringify(await openApiDocument(), undefined, 2)}\n`
}

if (import.meta.main) writeFileSync(page, await openApiText())
