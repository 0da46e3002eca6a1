import parse from 'spdx-expression-parse'
import { expect, test } from 'vitest'
import type { BuildRecord } from '../../../../registry/images/record.ts'
import { cyclonedxDocument } from '../../../../registry/images/sbom/cyclonedx.ts'
import { spdxDocument } from '../../../../registry/images/sbom/spdx.ts'
import { sampleRecord } from '../sample-record.ts'

const created = new Date('2026-01-02T03:04:05.678Z')

/** What SPDX 2.3 asks of a document (clauses 6 to 11 and its JSON schema), for the parts that we write. */
function breaches(record: BuildRecord): string[] {
  // As it is read: a field that is undefined is not there.
  const text = JSON.stringify(spdxDocument(record, { created }))
  const document = JSON.parse(text) as ReturnType<typeof spdxDocument>
  const found: string[] = []
  const must = (holds: boolean, rule: string) => {
    if (!holds) found.push(rule)
  }
  must(document.spdxVersion === 'SPDX-2.3' && document.dataLicense === 'CC0-1.0', '6.1, 6.2')
  must(document.SPDXID === 'SPDXRef-DOCUMENT' && document.name !== '', '6.3, 6.4')
  must(URL.canParse(document.documentNamespace) && !document.documentNamespace.includes('#'), '6.5')
  must(
    document.creationInfo.creators.every((one) => /^(Tool|Person|Organization): \S/.test(one)),
    '6.8',
  )
  must(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(document.creationInfo.created), '6.9')

  const ids = ['SPDXRef-DOCUMENT', ...document.packages.map(({ SPDXID }) => SPDXID)]
  must(new Set(ids).size === ids.length, '7.2: ids are unique')
  const licenses = new Set((document.hasExtractedLicensingInfos ?? []).map(({ licenseId }) => licenseId))
  for (const one of document.packages as readonly Partial<Record<string, unknown>>[]) {
    const {
      SPDXID,
      name,
      supplier,
      downloadLocation,
      licenseDeclared,
      externalRefs = [],
      checksums = [],
    } = one
    must(/^SPDXRef-[A-Za-z0-9.-]+$/.test(String(SPDXID)), `7.2 ${SPDXID}`)
    must(typeof name === 'string' && name !== '', '7.1')
    must(
      supplier === undefined || /^(Organization|Person): [^()"]+( \([^()]+\))?$/.test(String(supplier)),
      `7.5 ${supplier}`,
    )
    must(downloadLocation === 'NOASSERTION' || URL.canParse(String(downloadLocation)), '7.7')
    must(one.filesAnalyzed === false && one.packageVerificationCode === undefined, '7.8, 7.9')
    for (const { algorithm, checksumValue } of checksums as { algorithm: string; checksumValue: string }[]) {
      must(algorithm === 'SHA256' && /^[0-9a-f]{64}$/.test(checksumValue), '7.10')
    }
    must(one.licenseConcluded === 'NOASSERTION' && one.copyrightText === 'NOASSERTION', '7.13, 7.17')
    if (licenseDeclared !== 'NOASSERTION') {
      must(canParse(String(licenseDeclared)), `7.15 ${licenseDeclared}`)
      for (const id of String(licenseDeclared).match(/LicenseRef-[A-Za-z0-9.-]+/g) ?? []) {
        must(licenses.has(id), `10.1 ${id} is not explained`)
      }
    }
    for (const ref of externalRefs as {
      referenceCategory: string
      referenceType: string
      referenceLocator: string
    }[]) {
      const kind = `${ref.referenceCategory} ${ref.referenceType}`
      must(
        ['PACKAGE-MANAGER purl', 'SECURITY cpe23Type'].includes(kind) && /^\S+$/.test(ref.referenceLocator),
        '7.21',
      )
    }
    must(
      /^(OPERATING-SYSTEM|INSTALL|APPLICATION|SOURCE|FILE)$/.test(String(one.primaryPackagePurpose)),
      '7.24',
    )
  }
  for (const { licenseId, extractedText } of document.hasExtractedLicensingInfos ?? []) {
    must(/^LicenseRef-[A-Za-z0-9.-]+$/.test(licenseId) && extractedText !== '', '10.1, 10.2')
  }
  for (const { spdxElementId, relationshipType, relatedSpdxElement } of document.relationships) {
    must(ids.includes(spdxElementId) && ids.includes(relatedSpdxElement), '11.1: both ends are there')
    must(/^(DESCRIBES|CONTAINS|GENERATED_FROM)$/.test(relationshipType), '11.1')
  }
  must(
    document.relationships.some((one) => one.relationshipType === 'DESCRIBES'),
    '11.1: something is described',
  )
  return found
}

function canParse(expression: string): boolean {
  try {
    parse(expression)
    return true
  } catch {
    return false
  }
}

test('the document keeps to SPDX 2.3', () => {
  expect(breaches(sampleRecord)).toEqual([])
  const { distribution, agentVersion, nodeVersion, ...rest } = sampleRecord
  expect(breaches({ ...rest, packages: [], elements: [], downloads: [], outputs: [] })).toEqual([])
})

test('packages have licences, source, supplier, digest and place', () => {
  const { packages, hasExtractedLicensingInfos } = spdxDocument(sampleRecord, { created })
  const named = (name: string) => packages.find((one) => one.name === name)
  expect(named('redis-server')).toMatchObject({
    SPDXID: 'SPDXRef-Package-redis-server-amd64',
    versionInfo: '5:7.0.15-1~deb12u1+b2',
    supplier: 'Organization: Ann',
    downloadLocation: 'https://example.org/pool/redis-server_7.0.15-1~deb12u1+b2_amd64.deb',
    licenseDeclared: 'BSD-3-Clause AND (LicenseRef-public-domain OR LicenseRef-MIT-X11-91b778bc)',
    sourceInfo: 'built package from: redis 5:7.0.15-1~deb12u1',
    checksums: [{ algorithm: 'SHA256', checksumValue: 'd'.repeat(64) }],
  })
  expect(named('libstdc++6')).toMatchObject({
    SPDXID: 'SPDXRef-Package-libstdc-x2b--x2b-6-amd64',
    supplier: 'Organization: Debian GCC Maintainers (gcc@example.org)',
    licenseDeclared: 'NOASSERTION',
    licenseComments: 'The copyright file is not machine-readable. It refers to GPL-3, LGPL.',
  })
  expect(named('redis.qcow2')).toMatchObject({ checksums: [{ checksumValue: 'f'.repeat(64) }] })
  expect(hasExtractedLicensingInfos?.map(({ licenseId, name }) => [licenseId, name])).toEqual([
    ['LicenseRef-MIT-X11-91b778bc', 'MIT/X11'],
    ['LicenseRef-public-domain', 'public-domain'],
  ])
})

test('no credential of an address gets into it', () => {
  expect(JSON.stringify(spdxDocument(sampleRecord, { created }))).not.toMatch(/secret|token/)
})

test('the same record gives the same document, under a name that no other document has', () => {
  const { documentNamespace } = spdxDocument(sampleRecord, { created })
  expect(spdxDocument(structuredClone(sampleRecord), { created })).toEqual(
    spdxDocument(sampleRecord, { created }),
  )
  expect(documentNamespace).not.toBe(cyclonedxDocument(sampleRecord, { created }).serialNumber)
  expect(spdxDocument({ ...sampleRecord, packages: [] }, { created }).documentNamespace).not.toBe(
    documentNamespace,
  )
})
