import type { FastifyInstance } from 'fastify'
import { type FaultCode, fault } from '../../model/faults.ts'
import type { Routes } from '../deps.ts'
import { emptyList } from '../schemas/answers.ts'
import { instanceOf } from './instance-lookup.ts'
import { notImplemented } from './not-implemented.ts'

interface Family {
  readonly path: string
  readonly tag: string
  /** What the sentence of the 501 begins with. */
  readonly what: string
  readonly notFound?: (id: string) => {
    readonly code: FaultCode
    readonly parameters: Record<string, string>
  }
}

/** Families whose objects cannot be made yet: there are none of them, so every list is empty and no id is found. */
const FAMILIES: readonly Family[] = [
  { path: 'backups', tag: 'backups', what: 'Backups are' },
  { path: 'configurations', tag: 'configurations', what: 'Configuration groups are' },
  {
    path: 'clusters',
    tag: 'clusters',
    what: 'Clusters are',
    notFound: (cluster) => ({ code: 'CLUSTER_NOT_FOUND', parameters: { cluster } }),
  },
  { path: 'modules', tag: 'modules', what: 'Modules are' },
]

const anyBody = { type: 'object', examples: [{}] } as const

function addFamily(app: FastifyInstance, { path, tag, what, notFound }: Family): void {
  const tags = [tag]
  app.get(`/${path}`, { schema: { summary: `List ${path}`, tags, response: emptyList(path) } }, async () => ({
    [path]: [],
  }))
  app.post(`/${path}`, { schema: { summary: 'Not implemented yet', tags, body: anyBody } }, async () => {
    throw notImplemented(what)
  })
  app.route({
    method: ['GET', 'DELETE'],
    url: `/${path}/:id`,
    schema: { summary: 'Never found yet', tags },
    handler: async (request) => {
      const { id } = request.params as { readonly id: string }
      const { code, parameters } = notFound?.(id) ?? { code: 'NOT_FOUND', parameters: { uuid: id } }
      throw fault(code, parameters)
    },
  })
}

/**
 * What clients ask for and this service does not do yet. Lists answer with the truth, that there is nothing; whatever would
 * make something answers 501 with a sentence.
 */
export const notYetRoutes: Routes = (app, deps) => {
  for (const family of FAMILIES) addFamily(app, family)

  const tags = ['backups']
  app.get(
    '/backup_strategies',
    { schema: { summary: 'List backup strategies', tags, response: emptyList('backup_strategies') } },
    async () => ({
      backup_strategies: [],
    }),
  )
  app.post(
    '/backup_strategies',
    { schema: { summary: 'Not implemented yet', tags, body: anyBody } },
    async () => {
      throw notImplemented('Backup strategies are')
    },
  )
  for (const collection of ['backups', 'modules']) {
    const schema = {
      summary: `List ${collection} of an instance`,
      tags: [collection],
      response: emptyList(collection),
    }
    app.get(`/instances/:id/${collection}`, { schema }, async (request) => {
      await instanceOf(request, deps)
      return { [collection]: [] }
    })
  }
  app.route({
    method: ['GET', 'POST'],
    url: '/instances/:id/log',
    schema: { summary: 'Not implemented yet', tags: ['logs'] },
    handler: async (request) => {
      await instanceOf(request, deps)
      // The text of Trove where a datastore has no logs (contract §1.1).
      throw fault('NOT_IMPLEMENTED', { reason: 'Log actions are not supported.' })
    },
  })
}
