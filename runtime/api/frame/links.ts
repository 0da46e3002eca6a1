import type { FastifyRequest } from 'fastify'
import type { Settings } from '../../settings/types.ts'
import type { TenantParams } from './auth.ts'

export interface Link {
  readonly rel: string
  readonly href: string
}

/** Makes the two links of a resource: `links('instances', id)`. */
export type Links = (collection: string, id: string) => readonly Link[]

/** The host that links name: the option's, else the one that the client called. */
export function linkHost(request: FastifyRequest, settings: Settings): string {
  if (settings.publicEndpoint !== undefined && URL.canParse(settings.publicEndpoint))
    return new URL(settings.publicEndpoint).host
  return request.host === '' ? `${settings.bindHost}:${settings.bindPort}` : request.host
}

/** Links of a request. Trove writes https whatever the request used; clients never follow them (contract §1.1). */
export function linksFor(request: FastifyRequest, settings: Settings): Links {
  const base = `https://${linkHost(request, settings)}`
  const { tenant_id: tenant } = request.params as TenantParams
  const versioned = `${base}/v1.0/${encodeURIComponent(tenant)}`
  return (collection, id) => [
    { rel: 'self', href: `${versioned}/${collection}/${id}` },
    { rel: 'bookmark', href: `${base}/${collection}/${id}` },
  ]
}
