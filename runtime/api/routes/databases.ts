import type { FastifyRequest } from 'fastify'
import { fault } from '../../model/faults.ts'
import { checkDatabaseName, unquote } from '../../model/names.ts'
import type { JsonObject } from '../../rpc/types.ts'
import type { ApiDeps, Routes } from '../deps.ts'
import { nextLink, pageOf, pageQuery } from '../frame/pagination.ts'
import { askGuest, requireRunning } from '../guest.ts'
import { accepted, guestAnswers } from '../schemas/answers.ts'
import { databases } from '../schemas/values.ts'
import type { DatabaseBody } from '../schemas/wire.ts'
import { databaseViews, guestPage } from '../views/guest-objects.ts'
import { guestDatabases, nameContext } from './guest-values.ts'
import { instanceOf } from './instance-lookup.ts'

const createBody = {
  type: 'object',
  required: ['databases'],
  properties: { databases },
  examples: [{ databases: [{ name: 'db1', character_set: 'utf8mb4' }] }],
} as const

/** The instance of the URL, whose engine runs. */
export async function runningInstance(request: FastifyRequest, deps: ApiDeps) {
  const instance = await instanceOf(request, deps)
  requireRunning(instance)
  return instance
}

/** Databases of an instance (Trove contract §1.6). */
export const databaseRoutes: Routes = (app, deps) => {
  const tags = ['databases']

  app.get(
    '/instances/:id/databases',
    { schema: { summary: 'List databases', tags, response: guestAnswers.databases, querystring: pageQuery } },
    async (request) => {
      const instance = await runningInstance(request, deps)
      const page = pageOf(request, deps.settings.databasesPageSize)
      const args = { limit: page.limit, marker: page.marker ?? null, include_marker: false }
      const answer = await askGuest(request, deps, instance, 'list_databases', args)
      const { items, next } = guestPage(answer, 'list_databases')
      return {
        databases: databaseViews(items, 'list_databases'),
        ...nextLink(request, deps.settings, page, next),
      }
    },
  )
  app.post(
    '/instances/:id/databases',
    { schema: { summary: 'Create databases', tags, response: accepted, body: createBody } },
    async (request, reply) => {
      const instance = await runningInstance(request, deps)
      const body = (request.body as { readonly databases: readonly DatabaseBody[] }).databases
      const wanted = guestDatabases(body, nameContext(instance.datastore_manager, deps.settings))
      if (wanted.length > 0)
        await askGuest(request, deps, instance, 'create_database', {
          databases: wanted as unknown as JsonObject[],
        })
      return reply.code(202).send()
    },
  )
  app.get(
    '/instances/:id/databases/:name',
    { schema: { summary: 'Not implemented', tags } },
    async (request) => {
      await instanceOf(request, deps)
      throw fault('NOT_IMPLEMENTED', {
        reason: 'Showing one database is not implemented: list the databases.',
      })
    },
  )
  app.delete(
    '/instances/:id/databases/:name',
    { schema: { summary: 'Delete a database', tags, response: accepted } },
    async (request, reply) => {
      const instance = await runningInstance(request, deps)
      const name = unquote((request.params as { readonly name: string }).name)
      checkDatabaseName(name, nameContext(instance.datastore_manager, deps.settings))
      await askGuest(request, deps, instance, 'delete_database', { database: { _name: name } })
      return reply.code(202).send()
    },
  )
}
