import type { IdentityApp, IdentityDeps } from './frame.ts'

/** Version discovery: what every Keystone client asks first. */
export function versionRoutes(app: IdentityApp, deps: IdentityDeps): void {
  const v3 = (base: string) => ({
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${base}/v3/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  })
  const v2 = (base: string) => ({
    id: 'v2.0',
    status: 'deprecated',
    updated: '2016-08-04T00:00:00Z',
    links: [{ rel: 'self', href: `${base}/v2.0/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v2.0+json' }],
  })
  const base = (host: string | undefined) => deps.endpoints(host).identity

  app.get('/', (request, reply) => {
    const url = base(request.headers.host)
    return reply.code(300).send({ versions: { values: [v3(url), v2(url)] } })
  })
  app.get('/v3', (request) => ({ version: v3(base(request.headers.host)) }))
  app.get('/v2.0', (request) => ({ version: v2(base(request.headers.host)) }))
}
