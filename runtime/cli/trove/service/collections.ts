import type { JsonObject } from '../commands/types.ts'
import { objects, text } from '../output/fields.ts'
import { query } from './path.ts'
import type { Service } from './types.ts'

/** More pages than this are a service that goes in circles. */
const MAX_PAGES = 10_000

/** How much of a collection is wanted. */
export interface Paging {
  readonly limit?: string | undefined
  readonly marker?: string | undefined
  /** Other parts of the query. */
  readonly filters?: Readonly<Record<string, string | boolean | undefined>>
}

/**
 * The objects of a collection: one page when a limit is given, else all pages.
 *
 * The marker of a `next` link is decoded once and sent back as it then is (contract §1.1, "Pagination": it is encoded twice).
 */
export async function listAll(
  service: Service,
  path: string,
  key: string,
  paging: Paging = {},
): Promise<JsonObject[]> {
  const { limit, marker, filters = {} } = paging
  const found: JsonObject[] = []
  const seen = new Set<string>()
  let next = query({ limit, marker, ...filters })
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await service.get(`${path}${next}`)
    found.push(...objects(answer[key]))
    const following = nextMarker(answer)
    if (limit !== undefined || following === undefined || seen.has(following)) break
    seen.add(following)
    const rest = query(filters)
    next = `?marker=${following}${rest === '' ? '' : `&${rest.slice(1)}`}`
  }
  return found
}

function nextMarker(answer: JsonObject): string | undefined {
  const href = text(objects(answer.links).find(({ rel }) => rel === 'next')?.href)
  const raw = href === undefined ? undefined : /[?&]marker=([^&]*)/.exec(href)?.[1]
  return raw === undefined ? undefined : decodeURIComponent(raw.replaceAll('+', '%20'))
}
