/** Where a file goes instead that packages bring. */
export interface Diversion {
  readonly to: string
  /** The package whose own file stays in the place; `:` when no package is meant. */
  readonly by: string
}

/** Reads `/var/lib/dpkg/diversions`: three lines each, from, to, and by whom (dpkg-divert(1)). */
export function parseDiversions(text: string): ReadonlyMap<string, Diversion> {
  const lines = text.split('\n')
  const diversions = new Map<string, Diversion>()
  for (let at = 0; at + 2 < lines.length; at += 3) {
    const [from = '', to = '', by = ''] = lines.slice(at, at + 3)
    if (from.startsWith('/') && to.startsWith('/')) diversions.set(from, { to, by })
  }
  return diversions
}
