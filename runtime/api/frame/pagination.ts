import type { FastifyRequest } from 'fastify'
import type { Settings } from '../../settings/types.ts'
import { type Link, linkHost } from './links.ts'

/** The query of a list that has pages. */
export const pageQuery = {
  type: 'object',
  properties: {
    limit: { type: 'string', pattern: '^[0-9]+$', description: 'Rows of a page, at most the page size' },
    marker: { type: 'string', description: 'What the next link of the page before says' },
  },
} as const

export interface Page {
  readonly limit: number
  readonly marker: string | undefined
}

/** The page asked for. A limit is capped at the page size; 0 and none mean the page size (contract §1.1). */
export function pageOf(request: FastifyRequest, pageSize: number): Page {
  const query = request.query as { readonly limit?: string; readonly marker?: string }
  const wanted = Number(query.limit ?? 0)
  return {
    limit: wanted === 0 ? pageSize : Math.min(wanted, pageSize),
    marker: query.marker === undefined || query.marker === '' ? undefined : query.marker,
  }
}

/**
 * `links` for a page that has a next one, else nothing: the key is absent then (contract §1.1).
 *
 * The marker is quoted twice: clients decode it once and send the rest as it stands.
 */
export function nextLink(
  request: FastifyRequest,
  settings: Settings,
  page: Page,
  nextMarker: string | null | undefined,
): { readonly links?: readonly Link[] } {
  if (nextMarker === undefined || nextMarker === null || nextMarker === '') return {}
  const [path = '', search = ''] = request.url.split('?', 2)
  const others = [...new URLSearchParams(search)]
    .filter(([name]) => name !== 'marker' && name !== 'limit')
    .map(([name, value]) => `&${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  const marker = encodeURIComponent(encodeURIComponent(nextMarker.toWellFormed()))
  const href = `https://${linkHost(request, settings)}${path}?marker=${marker}&limit=${page.limit}${others.join('')}`
  return { links: [{ rel: 'next', href }] }
}
