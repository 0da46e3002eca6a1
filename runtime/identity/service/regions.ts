import Type from 'typebox'
import { endpointV3, INTERFACES, services } from '../catalog.ts'
import { notFound } from '../errors.ts'
import { DEFAULT_DOMAIN } from '../records.ts'
import { type IdentityApp, type IdentityDeps, listLinks, permit, selfLink } from './frame.ts'

const Params = Type.Object({ id: Type.String() })

/** What is fixed here and only read: the domain, the region, the services and their endpoints. */
export function regionRoutes(app: IdentityApp, deps: IdentityDeps): void {
  const anybody = () => true
  const domain = { ...DEFAULT_DOMAIN, enabled: true, description: 'The default domain' }

  app.get('/v3/domains', (request) => {
    permit(deps, request, 'list_domains')
    const { name } = request.query as { name?: string }
    const domains = name === undefined || name === domain.name ? [domain] : []
    return { domains, links: listLinks(deps, request, '/domains') }
  })
  app.get('/v3/domains/:id', { schema: { params: Params } }, (request) => {
    permit(deps, request, 'get_domain', anybody)
    if (request.params.id !== domain.id) throw notFound('domain', request.params.id)
    return { domain }
  })
  app.get('/v3/regions', (request) => {
    permit(deps, request, 'list_regions', anybody)
    const id = deps.endpoints(request.headers.host).region
    const regions = [{ id, description: '', parent_region_id: null }]
    return { regions, links: listLinks(deps, request, '/regions') }
  })

  // Keystone keeps the project as a placeholder in these lists.
  const PROJECT = '$(project_id)s'
  const serviceV3 = (service: ReturnType<typeof services>[number], self: string) => ({
    id: service.id,
    type: service.type,
    name: service.name,
    enabled: true,
    description: '',
    links: { self },
  })
  app.get('/v3/services', (request) => {
    permit(deps, request, 'list_services')
    const { name, type } = request.query as { name?: string; type?: string }
    return {
      services: services(deps.endpoints(request.headers.host), PROJECT)
        .filter(
          (service) => (name ?? service.name) === service.name && (type ?? service.type) === service.type,
        )
        .map((service) => serviceV3(service, selfLink(deps, request, `/services/${service.id}`))),
      links: listLinks(deps, request, '/services'),
    }
  })
  app.get('/v3/services/:id', { schema: { params: Params } }, (request) => {
    permit(deps, request, 'get_service')
    const { id } = request.params
    const service = services(deps.endpoints(request.headers.host), PROJECT).find((each) => each.id === id)
    if (service === undefined) throw notFound('service', id)
    return { service: serviceV3(service, selfLink(deps, request, `/services/${id}`)) }
  })
  app.get('/v3/endpoints', (request) => {
    permit(deps, request, 'list_endpoints')
    const { interface: kind, service_id: wanted } = request.query as {
      interface?: string
      service_id?: string
    }
    const endpoints = deps.endpoints(request.headers.host)
    return {
      endpoints: services(endpoints, PROJECT)
        .filter(({ id }) => (wanted ?? id) === id)
        .flatMap((service) =>
          INTERFACES.filter((each) => (kind ?? each) === each).map((each) => ({
            ...endpointV3(endpoints, service, each),
            service_id: service.id,
            enabled: true,
          })),
        ),
      links: listLinks(deps, request, '/endpoints'),
    }
  })
}
