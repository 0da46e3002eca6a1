import type { LicenseReference } from '../licenses/expression.ts'
import type { BuildRecord } from '../record.ts'
import { type Component, components, documentId, type SbomOptions, timestamp } from './components.ts'

/** SPDX's words for "we do not say". */
const NONE_GIVEN = 'NOASSERTION'

const IMAGE = 'SPDXRef-Image'

/**
 * An image's SBOM as an SPDX 2.3 document, to be written as JSON. The image contains its packages, guest agent and node; it
 * was generated from elements and downloads; each output file was generated from the image.
 */
export function spdxDocument(record: BuildRecord, { created }: SbomOptions) {
  const all = components(record)
  const outputs = record.outputs.map(({ file, format, sha256 }, at) => ({
    SPDXID: `SPDXRef-Output-${at + 1}`,
    name: file,
    packageFileName: file,
    comment: `The image as ${format}.`,
    ...unsaid,
    licenseDeclared: NONE_GIVEN,
    primaryPackagePurpose: 'FILE',
    checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }],
  }))
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: record.name,
    documentNamespace: `urn:uuid:${documentId(record, 'spdx-2.3')}`,
    creationInfo: { created: timestamp(created), creators: [`Tool: coffer-${record.builder.version}`] },
    packages: [
      {
        SPDXID: IMAGE,
        name: record.name,
        ...unsaid,
        licenseDeclared: NONE_GIVEN,
        primaryPackagePurpose: 'OPERATING-SYSTEM',
      },
      ...outputs,
      ...all.map(spdxPackage),
    ],
    relationships: [
      relationship('SPDXRef-DOCUMENT', 'DESCRIBES', IMAGE),
      ...outputs.map(({ SPDXID }) => relationship(SPDXID, 'GENERATED_FROM', IMAGE)),
      ...all.map((component) =>
        relationship(
          IMAGE,
          component.kind === 'element' || component.kind === 'download' ? 'GENERATED_FROM' : 'CONTAINS',
          spdxId(component.key),
        ),
      ),
    ],
    ...extracted(all),
  }
}

/** What we never say of a package: nobody analysed its files. */
const unsaid = {
  downloadLocation: NONE_GIVEN,
  filesAnalyzed: false,
  licenseConcluded: NONE_GIVEN,
  copyrightText: NONE_GIVEN,
} as const

function spdxPackage(component: Component) {
  const { key, name, version, url, sha256, license, mentioned, source } = component
  const references = [
    ...(component.purl === undefined ? [] : [external('PACKAGE-MANAGER', 'purl', component.purl)]),
    ...(component.cpe === undefined ? [] : [external('SECURITY', 'cpe23Type', component.cpe)]),
  ]
  return {
    SPDXID: spdxId(key),
    name,
    ...(version === undefined ? {} : { versionInfo: version }),
    ...(component.supplier === undefined ? {} : { supplier: organization(component.supplier) }),
    ...unsaid,
    ...(url === undefined ? {} : { downloadLocation: url }),
    licenseDeclared: license.expression ?? NONE_GIVEN,
    ...(mentioned.length === 0
      ? {}
      : {
          licenseComments: `The copyright file is not machine-readable. It refers to ${mentioned.join(', ')}.`,
        }),
    ...(source === undefined ? {} : { sourceInfo: `built package from: ${source.name} ${source.version}` }),
    ...(component.kind === 'element' ? { comment: 'An element: a directory of scripts and files.' } : {}),
    primaryPackagePurpose: PURPOSES[component.kind],
    ...(sha256 === undefined ? {} : { checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }] }),
    ...(references.length === 0 ? {} : { externalRefs: references }),
  }
}

const PURPOSES = {
  package: 'INSTALL',
  agent: 'APPLICATION',
  node: 'APPLICATION',
  element: 'SOURCE',
  download: 'FILE',
} as const

const external = (category: string, type: string, locator: string) => ({
  referenceCategory: category,
  referenceType: type,
  referenceLocator: locator,
})

const relationship = (from: string, type: string, to: string) => ({
  spdxElementId: from,
  relationshipType: type,
  relatedSpdxElement: to,
})

/** Letters, digits, dots and dashes are all that an id may have; the rest is written by its code. */
const spdxId = (key: string): string =>
  `SPDXRef-${key.replace(/[^A-Za-z0-9.-]/gu, (character) => `-x${character.codePointAt(0)?.toString(16)}-`)}`

/** `Organization: Name (address)`: Debian's maintainers are teams as often as people. */
function organization(maintainer: string): string {
  const [, name = maintainer, address] = /^\s*(.*?)\s*<([^<>]+)>\s*$/s.exec(maintainer) ?? []
  return `Organization: ${name.replaceAll(/["()]/g, '').trim() || 'unknown'}${address === undefined ? '' : ` (${address})`}`
}

function extracted(all: readonly Component[]) {
  const references = new Map<string, LicenseReference & { readonly where: string }>()
  for (const { name, license } of all) {
    for (const one of license.references) {
      if (!references.has(one.id)) references.set(one.id, { ...one, where: name })
    }
  }
  if (references.size === 0) return {}
  return {
    hasExtractedLicensingInfos: [...references.values()]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, name, where }) => ({
        licenseId: id,
        name,
        extractedText: `What copyright files of Debian packages call "${name}"; for its text see /usr/share/doc/${where}/copyright in the image.`,
      })),
  }
}
