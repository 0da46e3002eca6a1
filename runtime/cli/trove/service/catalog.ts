import { CofferError } from '../../../../lib/errors.ts'
import type { Access } from './types.ts'

/** Which endpoint is meant. */
export interface Wanted {
  readonly type: string
  readonly name: string | undefined
  readonly region: string | undefined
  /** `publicURL`, or `public`. */
  readonly endpointType: string
}

/**
 * The URL of the database service in a catalog, without a slash at its end.
 *
 * @throws CofferError `ENDPOINT_NOT_FOUND` in the words of the client of OpenStack, with what the catalog does hold
 */
export function endpointUrl(access: Access, wanted: Wanted): string {
  const kind = wanted.endpointType.replace(/URL$/, '')
  const sameType = access.endpoints.filter(({ type }) => type === wanted.type)
  const found = sameType.find(
    (endpoint) =>
      endpoint.interface === kind &&
      (wanted.region === undefined || endpoint.region === wanted.region) &&
      (wanted.name === undefined || endpoint.name === wanted.name),
  )
  if (found !== undefined) return found.url.replace(/\/+$/, '')
  const region = wanted.region === undefined ? '' : ` in ${wanted.region} region`
  const regions = [...new Set(sameType.map((endpoint) => endpoint.region))].filter(
    (each) => each !== undefined,
  )
  throw new CofferError(
    'ENDPOINT_NOT_FOUND',
    `${wanted.endpointType} endpoint for ${wanted.type} service${region} not found`,
    {
      hint:
        sameType.length === 0
          ? `the catalog has services of these types: ${[...new Set(access.endpoints.map(({ type }) => type))].join(', ') || 'none'}`
          : `the service is in: ${regions.join(', ')}`,
    },
  )
}
