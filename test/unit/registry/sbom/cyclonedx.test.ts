import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import { expect, test } from 'vitest'
import type { BuildRecord } from '../../../../registry/images/record.ts'
import { cyclonedxDocument } from '../../../../registry/images/sbom/cyclonedx.ts'
import { sampleRecord } from '../sample-record.ts'

const created = new Date('2026-01-02T03:04:05.678Z')

/** CycloneDX's own schemas, as its library for JavaScript brings them. */
const schemas = join(
  dirname(createRequire(import.meta.url).resolve('@cyclonedx/cyclonedx-library/package.json')),
  'res/schema',
)
const schema = (name: string) =>
  JSON.parse(readFileSync(join(schemas, `${name}.SNAPSHOT.schema.json`), 'utf8')) as Record<string, unknown>

function validator() {
  const ajv = new Ajv({ strict: false, validateFormats: true })
  formats.default(ajv)
  // Formats of JSON Schema 2019 that ajv-formats leaves out: addresses with characters beyond ASCII.
  for (const format of ['iri-reference', 'idn-email']) ajv.addFormat(format, true)
  for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs']) {
    ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`)
  }
  return ajv.compile(schema('bom-1.6'))
}

const validate = validator()

/** What the schema objects to in a record's document. */
function objections(record: BuildRecord) {
  validate(JSON.parse(JSON.stringify(cyclonedxDocument(record, { created }))))
  return validate.errors ?? []
}

test('the document keeps to the schema of CycloneDX 1.6', () => {
  expect(objections(sampleRecord)).toEqual([])
  // The schema does see mistakes.
  expect(validate({ ...cyclonedxDocument(sampleRecord, { created }), serialNumber: 'x' })).toBe(false)
})

test('so does that of a record which knows nothing', () => {
  const { distribution, agentVersion, nodeVersion, ...rest } = sampleRecord
  expect(objections({ ...rest, packages: [], elements: [], downloads: [], outputs: [] })).toEqual([])
})

test('packages have licences, source, supplier, digest and place', () => {
  const { components } = cyclonedxDocument(sampleRecord, { created })
  const named = (name: string) => components.find((one) => one.name === name)
  expect(named('redis-server')).toEqual({
    type: 'library',
    'bom-ref': 'Package-redis-server-amd64',
    supplier: { name: 'Ann' },
    name: 'redis-server',
    version: '5:7.0.15-1~deb12u1+b2',
    hashes: [{ alg: 'SHA-256', content: 'd'.repeat(64) }],
    licenses: [
      {
        expression: 'BSD-3-Clause AND (LicenseRef-public-domain OR LicenseRef-MIT-X11-91b778bc)',
        acknowledgement: 'declared',
      },
    ],
    purl: 'pkg:deb/debian/redis-server@5:7.0.15-1~deb12u1%2Bb2?arch=amd64&distro=debian-12&upstream=redis%405:7.0.15-1~deb12u1',
    externalReferences: [
      {
        type: 'distribution',
        url: 'https://example.org/pool/redis-server_7.0.15-1~deb12u1+b2_amd64.deb',
      },
    ],
    properties: [
      { name: 'coffer:kind', value: 'package' },
      { name: 'coffer:source:name', value: 'redis' },
      { name: 'coffer:source:version', value: '5:7.0.15-1~deb12u1' },
    ],
  })
  expect(named('zlib1g')).toMatchObject({ licenses: [{ license: { id: 'Zlib' } }] })
  // What no program understood is evidence, not a declaration.
  expect(named('libstdc++6')).not.toHaveProperty('licenses')
  expect(named('libstdc++6')).toMatchObject({
    supplier: { name: 'Debian "GCC" Maintainers', contact: [{ email: 'gcc@example.org' }] },
    evidence: { licenses: [{ license: { name: 'GPL-3' } }, { license: { name: 'LGPL' } }] },
  })
  expect(named('debian')).toMatchObject({ type: 'operating-system', version: '12' })
})

test('the image is made of what is inside, not of what made it', () => {
  const { components, dependencies } = cyclonedxDocument(sampleRecord, { created })
  expect(dependencies).toEqual([
    {
      ref: 'image',
      dependsOn: [
        'Package-libstdc++6-amd64',
        'Package-redis-server-amd64',
        'Package-zlib1g-amd64',
        'GuestAgent',
        'Node',
      ],
    },
  ])
  expect(components.filter((one) => 'scope' in one).map(({ name }) => name)).toEqual([
    'debian-minimal',
    'my_element',
    'tool.tar.gz',
    'app',
    'own',
  ])
})

test('the same record gives the same document, another record another serial number', () => {
  const text = (record: BuildRecord) => JSON.stringify(cyclonedxDocument(record, { created }))
  expect(text(structuredClone(sampleRecord))).toBe(text(sampleRecord))
  const { serialNumber, metadata } = cyclonedxDocument(sampleRecord, { created })
  expect(serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8/)
  expect(metadata.timestamp).toBe('2026-01-02T03:04:05Z')
  expect(cyclonedxDocument({ ...sampleRecord, name: 'x' }, { created }).serialNumber).not.toBe(serialNumber)
})
