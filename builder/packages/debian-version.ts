/**
 * Compares two version numbers as dpkg does (deb-version(7)): epoch, upstream version, revision; digits by value, other
 * characters with `~` before the end of the part, letters before everything else.
 *
 * @returns negative when `a` is older than `b`, 0 when they are equal, positive when it is newer.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [split(a), split(b)]
  return (
    left.epoch - right.epoch ||
    comparePart(left.upstream, right.upstream) ||
    comparePart(left.revision, right.revision)
  )
}

function split(version: string): { epoch: number; upstream: string; revision: string } {
  const [, epoch = '0', rest = ''] = /^(?:(\d+):)?(.*)$/s.exec(version) ?? []
  const dash = rest.lastIndexOf('-')
  return dash < 0
    ? { epoch: Number(epoch), upstream: rest, revision: '' }
    : { epoch: Number(epoch), upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) }
}

function comparePart(a: string, b: string): number {
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a[i])) || (j < b.length && !isDigit(b[j]))) {
      const difference = weight(a[i]) - weight(b[j])
      if (difference !== 0) return difference
      i += 1
      j += 1
    }
    const [left, right] = [digits(a, i), digits(b, j)]
    i += left.length
    j += right.length
    const [x, y] = [left.replace(/^0+/, ''), right.replace(/^0+/, '')]
    const difference = x.length - y.length || (x < y ? -1 : x > y ? 1 : 0)
    if (difference !== 0) return difference
  }
  return 0
}

function digits(text: string, start: number): string {
  let end = start
  while (end < text.length && isDigit(text[end])) end += 1
  return text.slice(start, end)
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9'
}

/** A digit counts as the end of the part that is not one. */
function weight(character: string | undefined): number {
  if (character === undefined || isDigit(character)) return 0
  if (character === '~') return -1
  return /[A-Za-z]/.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + 256
}
