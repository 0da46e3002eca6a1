import { CofferError } from '../../lib/errors.ts'

/** How a package file is wrapped: one Debian package, or a tar archive (compressed or not). */
export type PackageFormat = 'deb' | 'tar'

/**
 * What an element knows about the vendor of its datastore. Elements keep it in `datastore-vendor/<name>` as
 * `KEY="value"` lines, so that bash (inside real DIB) and this program read one and the same text.
 */
export interface Vendor {
  /** Element name, e.g. `mongodb`; its upper-case form starts the names of the environment variables. */
  readonly name: string
  /** What people call the product. */
  readonly title: string
  /** Where a person finds the package, in words. */
  readonly downloadPage: string
  readonly formats: readonly PackageFormat[]
  /** Variable that must be `yes` because the licence wants a person's consent; undefined when none does. */
  readonly licenceVariable: string | undefined
  /** True when the vendor has an apt repository, so that DATASTORE_PKG_LOCATION may stay unset. */
  readonly hasRepository: boolean
  /** URL of the repository's signing key; undefined when there is no repository. */
  readonly aptKey: string | undefined
  /** Fingerprints of the keys in {@link aptKey} that count; empty when none is known for certain. */
  readonly aptKeyFingerprints: readonly string[]
}

const knownKeys = new Set([
  'TITLE',
  'DOWNLOAD_PAGE',
  'PACKAGE_FORMATS',
  'LICENCE_VARIABLE',
  'PACKAGES',
  'DISTRIBUTION_PACKAGES',
  'APT_REPO_DEBIAN',
  'APT_REPO_UBUNTU',
  'APT_KEY',
  'APT_KEY_FINGERPRINTS',
])

/**
 * Reads an element's `datastore-vendor/<name>` text.
 *
 * @throws CofferError `VENDOR_FILE_INVALID` for a line that is neither a comment nor a known `KEY="value"`, and for a
 *   missing title, download page or format.
 */
export function parseVendor(name: string, text: string): Vendor {
  const facts = new Map<string, string>()
  text.split('\n').forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return
    const match = /^([A-Z_]+)="([^"$`\\]*)"$/.exec(line)
    const [, key = '', value = ''] = match ?? []
    if (match === null || !knownKeys.has(key)) {
      throw invalid(name, `line ${index + 1} is not KEY="value" with a known key`)
    }
    facts.set(key, value)
  })
  const words = (key: string) => (facts.get(key) ?? '').split(/\s+/).filter((word) => word !== '')
  const formats = words('PACKAGE_FORMATS').filter((word) => word === 'deb' || word === 'tar')
  const title = facts.get('TITLE')
  const downloadPage = facts.get('DOWNLOAD_PAGE')
  if (title === undefined || downloadPage === undefined || formats.length === 0) {
    throw invalid(name, 'it needs TITLE, DOWNLOAD_PAGE and PACKAGE_FORMATS (deb, tar)')
  }
  return {
    name,
    title,
    downloadPage,
    formats,
    licenceVariable: facts.get('LICENCE_VARIABLE'),
    hasRepository: facts.has('APT_REPO_DEBIAN') || facts.has('APT_REPO_UBUNTU'),
    aptKey: facts.get('APT_KEY'),
    aptKeyFingerprints: words('APT_KEY_FINGERPRINTS'),
  }
}

/** The name of a vendor's own environment variable: `vendorVariable(mongodb, 'APT_KEY')` is `MONGODB_APT_KEY`. */
export function vendorVariable(vendor: Vendor, suffix: string): string {
  return `${vendor.name.toUpperCase().replaceAll('-', '_')}_${suffix}`
}

function invalid(name: string, why: string): CofferError {
  return new CofferError('VENDOR_FILE_INVALID', `datastore-vendor/${name}: ${why}`)
}
