import type { FastifyRequest } from 'fastify'
import type { ApiDeps, Routes } from '../deps.ts'
import { nextLink, pageOf, pageQuery } from '../frame/pagination.ts'
import { accepted, instanceAnswers } from '../schemas/answers.ts'
import { actionBody, createInstanceBody, modifyInstanceBody } from '../schemas/instance.ts'
import type { CreateBody, ModifyBody } from '../schemas/wire.ts'
import { instanceDetailView, instanceView } from '../views/instance.ts'
import { createInstance } from './create-instance.ts'
import { deleteInstance } from './delete-instance.ts'
import { act } from './instance-actions.ts'
import { instanceOf, viewContext } from './instance-lookup.ts'
import { modifyInstance } from './modify-instance.ts'

const listQuery = {
  type: 'object',
  properties: {
    ...pageQuery.properties,
    include_clustered: {
      type: 'string',
      description: 'The word true, in any case, shows members of clusters too',
    },
  },
} as const

/** Boolean words of a query, as Python clients write them (Trove contract §2.5 point 18). */
export const isTrue = (word: string | undefined) => word?.toLowerCase() === 'true'

async function list(request: FastifyRequest, deps: ApiDeps, view: typeof instanceView) {
  const page = pageOf(request, deps.settings.instancesPageSize)
  const { include_clustered: clustered } = request.query as { readonly include_clustered?: string }
  const { records, nextMarker } = await deps.db.instances.list({
    tenantId: request.auth.projectId,
    limit: page.limit,
    includeClustered: isTrue(clustered),
    ...(page.marker === undefined ? {} : { marker: page.marker }),
  })
  const context = viewContext(request, deps)
  return {
    instances: records.map((record) => view(record, context)),
    ...nextLink(request, deps.settings, page, nextMarker),
  }
}

/** Instances (Trove contract §1.3). */
export const instanceRoutes: Routes = (app, deps) => {
  const tags = ['instances']

  app.get(
    '/instances',
    { schema: { summary: 'List instances', tags, response: instanceAnswers.list, querystring: listQuery } },
    (request) => list(request, deps, instanceView),
  )
  app.get(
    '/instances/detail',
    {
      schema: {
        summary: 'List instances in detail',
        tags,
        response: instanceAnswers.detail,
        querystring: listQuery,
      },
    },
    (request) => list(request, deps, instanceDetailView),
  )
  // 200, though the book says 202 (contract §10.1 point 2).
  app.post(
    '/instances',
    {
      schema: {
        summary: 'Create an instance',
        tags,
        response: instanceAnswers.one,
        body: createInstanceBody,
      },
    },
    async (request) => {
      const { record, password } = await createInstance(
        request,
        (request.body as { readonly instance: CreateBody }).instance,
        deps,
      )
      const view = instanceDetailView(record, viewContext(request, deps))
      return { instance: password === undefined ? view : { ...view, password } }
    },
  )
  app.get(
    '/instances/:id',
    { schema: { summary: 'Show an instance', tags, response: instanceAnswers.one } },
    async (request) => ({
      instance: instanceDetailView(await instanceOf(request, deps), viewContext(request, deps)),
    }),
  )
  for (const method of ['PUT', 'PATCH'] as const) {
    app.route({
      method,
      url: '/instances/:id',
      schema: { summary: 'Change an instance', tags, response: accepted, body: modifyInstanceBody },
      handler: async (request, reply) => {
        const instance = await instanceOf(request, deps)
        await modifyInstance(instance, (request.body as { readonly instance: ModifyBody }).instance, deps)
        return reply.code(202).send()
      },
    })
  }
  app.delete(
    '/instances/:id',
    { schema: { summary: 'Delete an instance', tags, response: accepted } },
    async (request, reply) => {
      await deleteInstance(request, await instanceOf(request, deps), deps)
      return reply.code(202).send()
    },
  )
  app.post(
    '/instances/:id/action',
    { schema: { summary: 'Act on an instance', tags, response: accepted, body: actionBody } },
    async (request, reply) => {
      await act(
        request,
        await instanceOf(request, deps),
        request.body as Readonly<Record<string, unknown>>,
        deps,
      )
      return reply.code(202).send()
    },
  )
}
