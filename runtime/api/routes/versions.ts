import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiDeps } from '../deps.ts'

/** Where the API begins: what a client may call before it has a token (Trove contract §1.2). */
export function versionRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const version = (request: FastifyRequest) => {
    const base = deps.settings.publicEndpoint?.replace(/\/+$/, '') ?? `${request.protocol}://${request.host}`
    return {
      id: 'v1.0',
      status: 'CURRENT',
      updated: '2012-08-01T00:00:00Z',
      links: [{ rel: 'self', href: `${base}/v1.0/` }],
    }
  }
  const schema = (summary: string) => ({ summary, tags: ['versions'], security: [] })

  app.get('/', { schema: schema('List API versions') }, async (request) => ({ versions: [version(request)] }))
  for (const path of ['/v1.0', '/v1.0/']) {
    app.get(path, { schema: schema('Show the API version') }, async (request) => ({
      version: version(request),
    }))
  }
  app.get('/healthcheck', { schema: schema('Tell whether the service answers') }, async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send('OK'),
  )
}
