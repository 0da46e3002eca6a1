import type { Page } from './types.ts'

/**
 * One page of items that come sorted by their markers.
 *
 * @param items the items from the page's marker on, at least one more than the limit if there are as many
 * @returns the page, and the marker to go on after, or null at the end
 */
export function pageOf<T>(
  items: readonly T[],
  limit: number,
  markerOf: (item: T) => string,
): readonly [readonly T[], string | null] {
  const page = items.slice(0, limit)
  const last = page.at(-1)
  return [page, items.length > limit && last !== undefined ? markerOf(last) : null]
}

/** The comparison that a page's marker asks for. */
export const afterMarker = (page: Page): '>' | '>=' => (page.includeMarker === true ? '>=' : '>')
