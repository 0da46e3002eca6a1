import { releasePlace } from '../packages/release-file.ts'

/** An address, cut where an archive ends and a file of it begins. */
export interface ArchivePlace {
  /** Address of the archive, without a slash at the end. */
  readonly archive: string
  /** Relative to it, not percent-encoded. */
  readonly path: string
}

/**
 * Cuts the addresses that a build was served. An archive reaches from its address to `dists/`; a file elsewhere belongs to
 * the archive it lies below, else ends one at `pool/`. Of a repository without both the archive is the host alone, so that
 * its whole path takes part when another mirror is looked at.
 */
export function archivePlaces(urls: readonly string[]): Map<string, ArchivePlace> {
  const bases = [...new Set(urls.flatMap((url) => baseOfDists(url) ?? []))].sort(
    (a, b) => b.length - a.length,
  )
  const flat = urls.flatMap((url) => (baseOfDists(url) === undefined ? (releasePlace(url) ?? []) : []))
  return new Map(
    urls.map((url) => {
      const base = flat.some((place) => url.startsWith(place))
        ? new URL(url).origin
        : (bases.find((candidate) => url.startsWith(`${candidate}/`)) ??
          baseBefore(url, '/pool/') ??
          new URL(url).origin)
      return [url, { archive: base, path: decodedPath(url.slice(base.length + 1)) }]
    }),
  )
}

/** Short names for archives: the last part of the path, or the host; numbered where two have the same. */
export function archiveNames(archives: readonly string[]): Map<string, string> {
  const names = new Map<string, string>()
  const taken = new Set<string>()
  for (const archive of [...new Set(archives)].sort()) {
    const { hostname, pathname } = new URL(archive)
    const last = decodedPath(pathname.split('/').findLast((part) => part !== '') ?? hostname)
    const plain =
      last
        .toLowerCase()
        .replace(/[^a-z0-9.-]+/g, '-')
        .replace(/^[^a-z0-9]+/, '') || 'archive'
    let name = plain
    for (let number = 2; taken.has(name); number++) name = `${plain}-${number}`
    taken.add(name)
    names.set(archive, name)
  }
  return names
}

/** A path as the archive's own files name it: clients encode `+` and `~` as they like. A query is no part of it. */
export function decodedPath(path: string): string {
  const plain = path.replace(/[?#].*$/s, '')
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}

function baseOfDists(url: string): string | undefined {
  return baseBefore(url, '/dists/')
}

function baseBefore(url: string, part: string): string | undefined {
  const at = url.indexOf(part, new URL(url).origin.length)
  return at < 0 ? undefined : url.slice(0, at)
}
