import { sha256 } from '../../lib/hash.ts'

/** File names below `pool/` that never change once published (Debian policy: a version is uploaded once). */
const poolFile = /\/pool\/.*\.(u?deb|ddeb|dsc|diff\.gz|tar\.[a-z0-9]+(\.asc)?)$/
const byHashPath = /\/by-hash\/(SHA256|SHA512)\/([0-9a-f]{64}|[0-9a-f]{128})$/

/** True for files that are served from the store without asking the mirror again. Everything else is revalidated. */
export function isImmutable(url: string): boolean {
  const path = pathOf(url)
  return poolFile.test(path) || byHashPath.test(path)
}

/** The digest that a `by-hash` address promises. */
export function promisedDigest(
  url: string,
): { readonly algorithm: 'sha256' | 'sha512'; readonly digest: string } | undefined {
  const match = byHashPath.exec(pathOf(url))
  if (match === null) return undefined
  const algorithm = match[1] === 'SHA512' ? 'sha512' : 'sha256'
  const digest = match[2] ?? ''
  return digest.length === (algorithm === 'sha512' ? 128 : 64) ? { algorithm, digest } : undefined
}

/** Which part of which archive a `Packages` index describes. */
export interface IndexPlace {
  /** The address that the `Filename:` fields are relative to; ends with a slash. */
  readonly base: string
  /** Which of the archive's indexes this is; a newer index of the same place replaces it. */
  readonly slot: string
}

/** Recognises a `Packages` index of an archive (`…/dists/SUITE/COMPONENT/binary-ARCH/`) or of a flat repository. */
export function indexPlace(url: string): IndexPlace | undefined {
  const inArchive =
    /^(.*\/)(dists\/.*\/binary-[^/]+)\/(?:Packages(?:\.[a-z0-9]+)?|by-hash\/[^/]+\/[0-9a-f]+)$/.exec(url)
  if (inArchive !== null) return { base: inArchive[1] ?? '', slot: inArchive[2] ?? '' }
  const flat = /^(.*\/)Packages(?:\.[a-z0-9]+)?$/.exec(url)
  return flat === null ? undefined : { base: flat[1] ?? '', slot: '' }
}

/** True for files whose digest a `Packages` index lists. */
export function isPackage(url: string): boolean {
  return /\.(u?deb|ddeb)$/.test(pathOf(url))
}

/**
 * The name of a URL's entry in the store. Credentials are part of it, so that a private file is only ever served to a
 * client that sends the same ones.
 */
export function entryKey(url: string, authorization: string | undefined): string {
  return sha256(authorization === undefined ? url : `${url}\n${authorization}`)
}

function pathOf(url: string): string {
  return new URL(url).pathname
}
