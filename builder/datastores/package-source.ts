import { fileURLToPath } from 'node:url'
import { CofferError } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import { type CurlSetting, downloadSettings } from './download-options.ts'
import { type Vendor, vendorVariable } from './vendor.ts'

/** Where a thing is taken from. A URL always comes with something to verify it by. */
export type Location =
  | { readonly kind: 'file'; readonly path: string; readonly sha256: string | undefined }
  | { readonly kind: 'url'; readonly url: URL; readonly sha256: string | undefined }

/** A vendor's apt repository and the key that signs it. */
export interface RepositoryPlan {
  /** `deb` lines given by the user; empty: the element's own for the guest's distribution. */
  readonly lines: readonly string[]
  readonly key: Location
  /** Primary key fingerprints the key file must hold; all others are left out. Empty: taken as it is. */
  readonly fingerprints: readonly string[]
}

/** What a build will install a vendor's datastore from. */
export type PackageSource =
  | { readonly from: 'package'; readonly location: Location; readonly download: readonly CurlSetting[] }
  | {
      readonly from: 'repository'
      readonly repository: RepositoryPlan
      readonly download: readonly CurlSetting[]
    }

const SHA256 = /^[0-9a-f]{64}$/i
const FINGERPRINT = /^[0-9A-F]{40}$/

/**
 * Decides from the environment alone where a vendor's datastore comes from: DATASTORE_PKG_LOCATION when set, else the
 * vendor's apt repository. Touches neither disk nor network, so that it can run before anything else.
 *
 * @throws CofferError with one sentence and what to do next: `LICENCE_NOT_ACCEPTED`, `PACKAGE_LOCATION_MISSING`,
 *   `PACKAGE_LOCATION_INVALID`, `PACKAGE_CHECKSUM_MISSING`, `PACKAGE_CHECKSUM_INVALID`, `APT_REPOSITORY_INVALID`,
 *   `APT_KEY_UNVERIFIED`, `DOWNLOAD_OPTION_REFUSED`, `DOWNLOAD_OPTIONS_UNREADABLE`.
 */
export function planPackageSource(vendor: Vendor, env: Environment): PackageSource {
  const licence = vendor.licenceVariable
  if (licence !== undefined && env[licence] !== 'yes') {
    throw new CofferError('LICENCE_NOT_ACCEPTED', `${vendor.title} wants its licence accepted by a person`, {
      hint: `Read the licence that comes with the package, then set ${licence}=yes.`,
    })
  }
  const download = downloadSettings(env.DATASTORE_DOWNLOAD_OPTS ?? '')
  const given = (env.DATASTORE_PKG_LOCATION ?? '').trim()
  if (given !== '') {
    const location = packageLocation(given, env)
    return { from: 'package', location, download }
  }
  if (!vendor.hasRepository) {
    throw new CofferError(
      'PACKAGE_LOCATION_MISSING',
      `DATASTORE_PKG_LOCATION is not set, and ${vendor.title} has no package repository`,
      {
        hint: `Get the package from ${vendor.downloadPage}, then set DATASTORE_PKG_LOCATION to its path, or to its http(s) URL together with DATASTORE_PKG_SHA256.`,
      },
    )
  }
  return { from: 'repository', repository: planRepository(vendor, env), download }
}

function packageLocation(given: string, env: Environment): Location {
  const { text, fragment } = splitFragment(given)
  const sha256 = checksum('DATASTORE_PKG_SHA256', env.DATASTORE_PKG_SHA256, fragment)
  const location = parseLocation('DATASTORE_PKG_LOCATION', text, sha256)
  if (location.kind === 'url' && sha256 === undefined) {
    throw new CofferError(
      'PACKAGE_CHECKSUM_MISSING',
      `DATASTORE_PKG_LOCATION is a URL, and nothing says what must be found there`,
      {
        hint: 'Set DATASTORE_PKG_SHA256 to the sha256 of the package (64 hexadecimal digits), or add #sha256=… to the URL.',
      },
    )
  }
  return location
}

/**
 * Reads a path, a `file:` URL or an http(s) URL.
 *
 * @throws CofferError `PACKAGE_LOCATION_INVALID` for another scheme, for a URL that carries a password, and for one
 *   that points at a link-local address (where clouds keep their metadata service).
 */
export function parseLocation(variable: string, text: string, sha256: string | undefined): Location {
  const invalid = (why: string, hint: string) =>
    new CofferError('PACKAGE_LOCATION_INVALID', `${variable}: ${why}`, { hint })
  if (/[\x00-\x1f\x7f]/.test(text)) throw invalid('it holds a control character', 'Give one path or URL.')
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) return { kind: 'file', path: text, sha256 }
  if (!URL.canParse(text)) throw invalid('it is not a URL that can be read', 'Give a path or an http(s) URL.')
  const url = new URL(text)
  if (url.protocol === 'file:') {
    if (url.host !== '') throw invalid('a file: URL names no host', 'Write file:///path.')
    return { kind: 'file', path: fileURLToPath(url), sha256 }
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw invalid(`the scheme ${scheme}: is not supported`, 'Give a local path, or an http: or https: URL.')
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(
      'a URL with a user name or password ends in logs',
      'Put them into ~/.netrc, or into DATASTORE_DOWNLOAD_OPTS as --user and --password.',
    )
  }
  if (isLinkLocal(url.hostname)) {
    throw invalid('it points at a link-local address', 'Name the host that keeps the package.')
  }
  return { kind: 'url', url, sha256 }
}

/** True for 169.254/16 and fe80::/10. The URL parser has already turned other spellings of an address into these. */
function isLinkLocal(hostname: string): boolean {
  return hostname.startsWith('169.254.') || /^\[(fe[89ab][0-9a-f]|::ffff:a9fe):/.test(hostname)
}

function planRepository(vendor: Vendor, env: Environment): RepositoryPlan {
  const name = (suffix: string) => vendorVariable(vendor, suffix)
  const lines = (env[name('APT_REPO')] ?? '')
    .split(/[;\n]/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  for (const line of lines) checkRepositoryLine(name('APT_REPO'), line)

  const given = (env[name('APT_KEY')] ?? '').trim()
  const sha256 = checksum(name('APT_KEY_SHA256'), env[name('APT_KEY_SHA256')])
  const key = parseLocation(name('APT_KEY'), given === '' ? (vendor.aptKey ?? '') : given, sha256)
  const named = (env[name('APT_KEY_FINGERPRINT')] ?? '').replaceAll(' ', '').toUpperCase()
  if (named !== '' && !FINGERPRINT.test(named)) {
    throw new CofferError(
      'APT_KEY_UNVERIFIED',
      `${name('APT_KEY_FINGERPRINT')} is not 40 hexadecimal digits`,
      {
        hint: 'Give the whole fingerprint of the primary key; short key ids can be forged.',
      },
    )
  }
  const fingerprints = named !== '' ? [named] : given === '' ? vendor.aptKeyFingerprints : []
  if (key.kind === 'url' && sha256 === undefined && fingerprints.length === 0) {
    throw new CofferError(
      'APT_KEY_UNVERIFIED',
      `nothing says what key signs the ${vendor.title} repository, so a downloaded one proves nothing`,
      {
        hint: `Set ${name('APT_KEY_SHA256')} or ${name('APT_KEY_FINGERPRINT')}, or ${name('APT_KEY')} to a key file you trust.`,
      },
    )
  }
  return { lines, key, fingerprints }
}

/**
 * Checks one `deb` line: `deb [arch=…] URI suite component…`.
 *
 * @throws CofferError `APT_REPOSITORY_INVALID`; `trusted=yes` and `signed-by` are refused because the key is ours to check.
 */
export function checkRepositoryLine(variable: string, line: string): void {
  const invalid = (why: string) =>
    new CofferError('APT_REPOSITORY_INVALID', `${variable}: ${why}`, {
      hint: 'Write: deb https://host/path suite component; several lines are separated by semicolons.',
    })
  const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)((?:\s+\S+)*)$/.exec(line)
  if (match === null) throw invalid('it is not a deb line')
  const [, options = '', uri = '', suite = '', components = ''] = match
  for (const option of options.split(/\s+/).filter((word) => word !== '')) {
    if (!/^arch=[a-z0-9,]+$/.test(option)) throw invalid(`the option ${option.split('=')[0]} is refused`)
  }
  if (!/^https?:\/\//.test(uri)) throw invalid('its URI is neither http nor https')
  parseLocation(variable, uri, undefined)
  if (suite.endsWith('/') !== (components.trim() === '')) {
    throw invalid('a suite that ends in a slash stands alone, any other needs components')
  }
}

function splitFragment(text: string): { text: string; fragment: string | undefined } {
  const match = /^([a-z+.-]+:\/\/[^#]*)#sha256=(.*)$/i.exec(text)
  return match === null ? { text, fragment: undefined } : { text: match[1] ?? '', fragment: match[2] }
}

function checksum(variable: string, ...given: readonly (string | undefined)[]): string | undefined {
  const texts = given
    .map((text) => text?.trim().toLowerCase())
    .filter((text) => text !== undefined && text !== '')
  for (const text of texts) {
    if (!SHA256.test(text ?? '')) {
      throw new CofferError(
        'PACKAGE_CHECKSUM_INVALID',
        `${variable} is not a sha256: it needs 64 hexadecimal digits`,
      )
    }
  }
  if (new Set(texts).size > 1) {
    throw new CofferError(
      'PACKAGE_CHECKSUM_INVALID',
      `${variable} and the #sha256= of the URL are not the same`,
    )
  }
  return texts[0]
}
