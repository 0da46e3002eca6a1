import { isIP } from 'node:net'
import type { Settings } from '../settings/types.ts'
import type { Endpoints } from './catalog.ts'

type Addresses = Pick<
  Settings,
  'bindHost' | 'bindPort' | 'identityBindHost' | 'identityBindPort' | 'publicEndpoint' | 'region'
>

/** The host to reach this machine by when a service listens on every address. */
const HERE = '127.0.0.1'

/** A host as it stands in a URL: IPv6 addresses in brackets, `any address` made reachable. */
export function urlHost(host: string): string {
  if (host === '' || host === '0.0.0.0' || host === '::') return HERE
  return isIP(host) === 6 ? `[${host}]` : host
}

/**
 * Where the services answer. Clients get the URLs under the host that they reached the identity by, so that a catalog
 * read through another address or a forwarded port is of use to them.
 *
 * @param host the `Host` header of the request; anything that is not a host and port counts as absent
 */
export function endpointsFor(settings: Addresses, host?: string): Endpoints {
  const asked = host === undefined || !URL.canParse(`http://${host}`) ? undefined : new URL(`http://${host}`)
  // A name or address and a port, nothing else: it is copied into URLs.
  const usable = asked !== undefined && /^[\w.:[\]-]+$/.test(host ?? '') ? asked : undefined
  const identity = usable?.host ?? `${urlHost(settings.identityBindHost)}:${settings.identityBindPort}`
  const database = `${usable?.hostname ?? urlHost(settings.bindHost)}:${settings.bindPort}`
  return {
    identity: `http://${identity}`,
    database: publicUrl(settings.publicEndpoint) ?? `http://${database}`,
    region: settings.region,
  }
}

/** The option public_endpoint, with or without scheme and final slash. */
function publicUrl(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined || endpoint === '') return undefined
  return (/^https?:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`).replace(/\/+$/, '')
}
