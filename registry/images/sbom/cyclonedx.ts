import type { BuildRecord } from '../record.ts'
import { type Component, components, documentId, type SbomOptions, timestamp } from './components.ts'

/**
 * An image's SBOM as a CycloneDX 1.6 document, to be written as JSON. Elements and downloads have the scope `excluded`: the
 * image was made from them, but they are not in it as such.
 */
export function cyclonedxDocument(record: BuildRecord, { created }: SbomOptions) {
  const all = components(record)
  const outputs = record.outputs.map(({ file, format, sha256 }) => ({
    type: 'file',
    'bom-ref': `output:${file}`,
    name: file,
    hashes: [{ alg: 'SHA-256', content: sha256 }],
    properties: [property('format', format)],
  }))
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${documentId(record, 'cyclonedx-1.6')}`,
    version: 1,
    metadata: {
      timestamp: timestamp(created),
      lifecycles: [{ phase: 'build' }],
      tools: {
        components: [{ type: 'application', name: record.builder.name, version: record.builder.version }],
      },
      component: {
        type: 'platform',
        'bom-ref': IMAGE,
        name: record.name,
        properties: [property('architecture', record.architecture)],
        ...(outputs.length === 0 ? {} : { components: outputs }),
      },
    },
    components: [...distribution(record), ...all.map(cyclonedxComponent)],
    dependencies: [
      {
        ref: IMAGE,
        dependsOn: all.filter(({ kind }) => kind !== 'element' && kind !== 'download').map(({ key }) => key),
      },
    ],
  }
}

const IMAGE = 'image'

const property = (name: string, value: string) => ({ name: `coffer:${name}`, value })

/** The system that the packages belong to: scanners choose their data by it. */
function distribution({ distribution: system }: BuildRecord) {
  if (system === undefined) return []
  return [
    {
      type: 'operating-system',
      'bom-ref': 'distribution',
      name: system.id,
      ...(system.version === undefined ? {} : { version: system.version }),
      ...(system.codename === undefined ? {} : { properties: [property('codename', system.codename)] }),
    },
  ]
}

const TYPES = {
  package: 'library',
  agent: 'application',
  node: 'platform',
  element: 'data',
  download: 'file',
} as const

function cyclonedxComponent(component: Component) {
  const { kind, key, name, version, sha256, url, source, section, mentioned } = component
  const properties = [
    property('kind', kind),
    ...(source === undefined
      ? []
      : [property('source:name', source.name), property('source:version', source.version)]),
    ...(section === undefined ? [] : [property('section', section)]),
  ]
  return {
    type: TYPES[kind],
    'bom-ref': key,
    ...(component.supplier === undefined ? {} : { supplier: supplier(component.supplier) }),
    name,
    ...(version === undefined ? {} : { version }),
    ...(kind === 'element' || kind === 'download' ? { scope: 'excluded' } : {}),
    ...(sha256 === undefined ? {} : { hashes: [{ alg: 'SHA-256', content: sha256 }] }),
    ...licenses(component),
    ...(component.cpe === undefined ? {} : { cpe: component.cpe }),
    ...(component.purl === undefined ? {} : { purl: component.purl }),
    ...(url === undefined ? {} : { externalReferences: [{ type: 'distribution', url }] }),
    properties,
    ...(mentioned.length === 0
      ? {}
      : { evidence: { licenses: mentioned.map((name) => ({ license: { name } })) } }),
  }
}

/** One licence by its id or name, several as an expression: the schema allows one way at a time. */
function licenses({ license: { expression, references } }: Component) {
  if (expression === undefined) return {}
  const declared = { acknowledgement: 'declared' } as const
  const [only] = references
  if (only !== undefined && only.id === expression) {
    return { licenses: [{ license: { name: only.name, ...declared } }] }
  }
  // `Apache-2.0+` and `… WITH …` are expressions too, not ids.
  return /[ +]/.test(expression)
    ? { licenses: [{ expression, ...declared }] }
    : { licenses: [{ license: { id: expression, ...declared } }] }
}

function supplier(maintainer: string) {
  const [, name = maintainer, address] = /^\s*(.*?)\s*<([^<>\s]+@[^<>\s]+)>\s*$/s.exec(maintainer) ?? []
  return { name, ...(address === undefined ? {} : { contact: [{ email: address }] }) }
}
