/**
 * Orders two versions of Debian packages as dpkg does (deb-version(7)): epoch, then upstream version, then revision. Total:
 * text that is no version has its place too, so that foreign data cannot make a comparison fail.
 *
 * @returns below 0 when `a` is older, 0 when they are equal (`1.0` and `1.0-0` are), above 0 when `a` is newer
 */
export function compareDebianVersions(a: string, b: string): number {
  const left = parts(a)
  const right = parts(b)
  return (
    compareNumbers(left.epoch, right.epoch) ||
    compareParts(left.upstream, right.upstream) ||
    compareParts(left.revision, right.revision)
  )
}

function parts(version: string): { epoch: string; upstream: string; revision: string } {
  const [, epoch = '0', rest = ''] = /^(?:(\d+):)?(.*)$/s.exec(version.trim()) ?? []
  const dash = rest.lastIndexOf('-')
  return dash < 0
    ? { epoch, upstream: rest, revision: '' }
    : { epoch, upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) }
}

/** Text without digits and a number take turns; a side that has ended counts as empty text or 0. */
function compareParts(a: string, b: string): number {
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = weight(a, i) - weight(b, j)
      if (difference !== 0) return difference
      i++
      j++
    }
    const left = digits(a, i)
    const right = digits(b, j)
    const difference = compareNumbers(left, right)
    if (difference !== 0) return difference
    i += left.length
    j += right.length
  }
  return 0
}

/** `~` goes before the end, letters before all other characters. A digit stands where the text has ended. */
function weight(text: string, at: number): number {
  if (at >= text.length || isDigit(text, at)) return 0
  const code = text.charCodeAt(at)
  if (code === 0x7e) return -1
  return /[A-Za-z]/.test(text.charAt(at)) ? code : code + 256
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0x30 && code <= 0x39
}

const digits = (text: string, from: number): string => /^\d*/.exec(text.slice(from))?.[0] ?? ''

/** Numbers of any length. */
function compareNumbers(a: string, b: string): number {
  const left = a.replace(/^0+/, '')
  const right = b.replace(/^0+/, '')
  if (left.length !== right.length) return left.length - right.length
  return left < right ? -1 : left > right ? 1 : 0
}
