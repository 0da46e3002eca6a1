import { createHash } from 'node:crypto'

/** Where the services answer. */
export interface Endpoints {
  /** The part before `/v3`, such as `http://127.0.0.1:5000`. */
  readonly identity: string
  /** The part before `/v1.0`, such as `http://127.0.0.1:8779`. */
  readonly database: string
  readonly region: string
}

export interface CatalogService {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly url: string
}

export const INTERFACES = ['public', 'internal', 'admin'] as const

/**
 * The services and their URLs for a project. The first element of the path of the `database` URL is exactly `v1.0`: the
 * `trove` shell takes no other (Trove contract §2.1).
 */
export function services(endpoints: Endpoints, projectId: string): readonly CatalogService[] {
  return [
    { type: 'database', name: 'trove', url: `${endpoints.database}/v1.0/${projectId}` },
    { type: 'identity', name: 'keystone', url: `${endpoints.identity}/v3` },
  ].map((service) => ({ ...service, id: stableId(service.type) }))
}

/** The catalog as a v3 token shows it. */
export function catalogV3(endpoints: Endpoints, projectId: string) {
  return services(endpoints, projectId).map((service) => ({
    id: service.id,
    type: service.type,
    name: service.name,
    endpoints: INTERFACES.map((kind) => endpointV3(endpoints, service, kind)),
  }))
}

export const endpointV3 = (
  endpoints: Endpoints,
  service: CatalogService,
  kind: (typeof INTERFACES)[number],
) => ({
  id: stableId(`${service.type} ${kind}`),
  interface: kind,
  region: endpoints.region,
  region_id: endpoints.region,
  url: service.url,
})

/** The catalog as a v2.0 token shows it (the book's example in chapter 3). */
export function catalogV2(endpoints: Endpoints, projectId: string) {
  return services(endpoints, projectId).map((service) => {
    const url = service.type === 'identity' ? `${endpoints.identity}/v2.0` : service.url
    return {
      endpoints: [
        {
          adminURL: url,
          id: stableId(`${service.type} v2`),
          internalURL: url,
          publicURL: url,
          region: endpoints.region,
        },
      ],
      endpoints_links: [],
      name: service.name,
      type: service.type,
    }
  })
}

/** Services and endpoints are not stored, so their ids come from what they are. */
const stableId = (text: string): string =>
  createHash('sha256').update(`coffer ${text}`).digest('hex').slice(0, 32)
