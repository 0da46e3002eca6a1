import { sha256 } from '../../../lib/hash.ts'
import { publicUrl } from '../../../lib/public-url.ts'
import { gitUri } from '../git-uri.ts'
import { type LicenseExpression, licenseExpression } from '../licenses/expression.ts'
import { imageId } from '../manifest.ts'
import { type BuildRecord, type RecordedPackage, recordText } from '../record.ts'
import { purl } from './purl.ts'

/** Something in an image, or that went into it, as both kinds of SBOM tell it. */
export interface Component {
  /** `element` and `download` are what the image was made from; the others are inside. */
  readonly kind: 'package' | 'agent' | 'node' | 'element' | 'download'
  /** Unlike that of any other component of the image. */
  readonly key: string
  readonly name: string
  readonly version?: string
  readonly purl?: string
  readonly cpe?: string
  /** As `Name <address>`. */
  readonly supplier?: string
  readonly license: LicenseExpression
  /** Licences that may hold as well or instead: nobody said so in a form that a program understands. */
  readonly mentioned: readonly string[]
  readonly sha256?: string
  /** Where the file came from. */
  readonly url?: string
  readonly source?: { readonly name: string; readonly version: string }
  readonly section?: string
}

/** The documents of one record: made again they have the same name and the same id. */
export interface SbomOptions {
  /** When the document counts as made: that of the record's `sourceDate`, else of the newest output file. */
  readonly created: Date
}

/** A UUID for a document about a record: the same record gives the same one, everywhere. */
export const documentId = (record: BuildRecord, form: string): string =>
  imageId(sha256(`${form}\n${sha256(recordText(record))}`))

/** `2026-01-02T03:04:05Z`: both formats want whole seconds and UTC. */
export const timestamp = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z')

/** What a build's record knows of the image's parts: packages first, each kind by name. */
export function components(record: BuildRecord): readonly Component[] {
  return [
    ...record.packages.map((one) => packageComponent(record, one)),
    ...(record.agentVersion === undefined ? [] : [agent(record.agentVersion)]),
    ...(record.nodeVersion === undefined ? [] : [node(record.nodeVersion)]),
    ...record.elements.map(
      ({ name, digest, builtIn }): Component => ({
        kind: 'element',
        key: `Element-${name}`,
        name,
        version: `sha256:${digest}`,
        license: builtIn ? OURS : UNKNOWN,
        mentioned: [],
      }),
    ),
    ...record.downloads.map(
      ({ url, sha256: digest }, at): Component => ({
        kind: 'download',
        key: `Download-${at + 1}`,
        name: nameOfUrl(url),
        url: publicUrl(url),
        sha256: digest,
        purl: purl({
          type: 'generic',
          name: nameOfUrl(url),
          qualifiers: { checksum: `sha256:${digest}`, download_url: publicUrl(url) },
        }),
        license: UNKNOWN,
        mentioned: [],
      }),
    ),
    ...(record.sources ?? []).map(
      ({ name, location, revision }, at): Component => ({
        kind: 'download',
        key: `Source-${at + 1}`,
        name,
        version: revision,
        url: gitUri(location),
        purl: purl({
          type: 'generic',
          name,
          version: revision,
          qualifiers: { vcs_url: `${gitUri(location)}@${revision}` },
        }),
        license: UNKNOWN,
        mentioned: [],
      }),
    ),
  ]
}

/** Longer names and synopses are nobody's, but could come with a record from elsewhere. */
const MAX_TEXT = 300

const UNKNOWN: LicenseExpression = { expression: undefined, references: [] }
const OURS = licenseExpression(['Apache-2.0'])

function packageComponent({ distribution }: BuildRecord, one: RecordedPackage): Component {
  const { name, version, architecture, source = name, sourceVersion = version } = one
  const id = distribution?.id ?? 'debian'
  return {
    kind: 'package',
    key: `Package-${name}-${architecture}`,
    name,
    version,
    purl: purl({
      type: 'deb',
      namespace: id,
      name,
      version,
      qualifiers: {
        arch: architecture,
        distro: [id, distribution?.version ?? distribution?.codename].filter(Boolean).join('-'),
        // Not of the purl specification, but what scanners go by that look for a Debian source package.
        upstream: source === name && sourceVersion === version ? undefined : `${source}@${sourceVersion}`,
      },
    }),
    ...(one.maintainer === undefined ? {} : { supplier: one.maintainer.slice(0, MAX_TEXT) }),
    license: licenseExpression((one.licenses ?? []).map((synopsis) => synopsis.slice(0, MAX_TEXT))),
    mentioned: one.mentionedLicenses ?? [],
    ...(one.sha256 === undefined ? {} : { sha256: one.sha256 }),
    ...(one.url === undefined ? {} : { url: publicUrl(one.url) }),
    source: { name: source, version: sourceVersion },
    ...(one.section === undefined ? {} : { section: one.section }),
  }
}

function agent(version: string): Component {
  return {
    kind: 'agent',
    key: 'GuestAgent',
    name: 'coffer-guest-agent',
    version,
    purl: purl({ type: 'generic', name: 'coffer-guest-agent', version }),
    license: OURS,
    mentioned: [],
  }
}

function node(version: string): Component {
  return {
    kind: 'node',
    key: 'Node',
    name: 'node',
    version,
    purl: purl({ type: 'generic', name: 'node', version }),
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    license: licenseExpression(['MIT']),
    mentioned: [],
  }
}

/** The last part of an address's path, or the host of one without. */
function nameOfUrl(url: string): string {
  const { pathname, hostname } = URL.parse(url) ?? { pathname: url, hostname: '' }
  return pathname.split('/').findLast((part) => part !== '') ?? (hostname || 'download')
}
