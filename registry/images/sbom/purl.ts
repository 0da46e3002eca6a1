/** A package URL (ECMA-427): how SBOMs and vulnerability data name a package. */
export interface PackageUrl {
  /** `deb`, `generic`, … */
  readonly type: string
  readonly namespace?: string
  readonly name: string
  readonly version?: string
  readonly qualifiers?: Readonly<Record<string, string | undefined>>
}

/** The canonical text: qualifiers by name, empty ones left out, all parts percent-encoded. */
export function purl({ type, namespace, name, version, qualifiers = {} }: PackageUrl): string {
  const query = Object.entries(qualifiers)
    .filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${encode(value)}`)
    .join('&')
  return [
    `pkg:${type}/`,
    namespace === undefined ? '' : `${encode(namespace)}/`,
    encode(name),
    version === undefined ? '' : `@${encode(version)}`,
    query === '' ? '' : `?${query}`,
  ].join('')
}

/** All but letters, digits, `-._~` and the colon, which is plain everywhere. */
const encode = (text: string): string =>
  encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%3A', ':')
