import { publicUrl } from '../../lib/public-url.ts'

/**
 * The address of a git repository as SBOMs and provenance write it (SPDX 2.3 §7.7, purl's `vcs_url`): `git+https://…`.
 *
 * @param location an address, a path, or `host:path` as ssh takes it
 */
export function gitUri(location: string): string {
  if (location.startsWith('/')) return `git+file://${encodeURI(location)}`
  const [, host, path] = /^(?!\w+:\/\/)([^/:]+):(.+)$/.exec(location) ?? []
  return `git+${host === undefined ? publicUrl(location) : `ssh://${host}/${path}`}`
}
