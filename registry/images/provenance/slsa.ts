import { sha256 } from '../../../lib/hash.ts'
import { publicUrl } from '../../../lib/public-url.ts'
import { gitUri } from '../git-uri.ts'
import { type BuildRecord, recordFiles, recordText } from '../record.ts'
import { purl } from '../sbom/purl.ts'
import { STATEMENT_TYPE, type Statement, subject } from '../statement.ts'

/** The predicate of SLSA provenance (slsa.dev/spec/v1.0/provenance), as far as we fill it in. */
export interface SlsaProvenance {
  readonly buildDefinition: {
    readonly buildType: string
    readonly externalParameters: Readonly<Record<string, unknown>>
    readonly internalParameters: Readonly<Record<string, unknown>>
    readonly resolvedDependencies: readonly ResourceDescriptor[]
  }
  readonly runDetails: {
    readonly builder: { readonly id: string; readonly version: Readonly<Record<string, string>> }
    readonly byproducts: readonly ResourceDescriptor[]
  }
}

export interface ResourceDescriptor {
  readonly name?: string
  readonly uri?: string
  readonly digest?: { readonly sha256: string } | { readonly gitCommit: string }
}

const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1'
/** Who builds names itself by the program: where it ran is for whoever runs it to say (`builderId`). */
const BUILDER_ID = 'urn:coffer:builder'
/** How `externalParameters` are to be read. */
const BUILD_TYPE = 'urn:coffer:build:v1'

/**
 * How an image came about, as an in-toto statement about each output file. There is no time of the build in it: equal builds
 * have equal provenance.
 *
 * @param builderId URI of the platform that the build ran on
 */
export function provenanceStatement(
  record: BuildRecord,
  builderId: string = BUILDER_ID,
): Statement<SlsaProvenance> {
  const { request, builder } = record
  return {
    _type: STATEMENT_TYPE,
    subject: record.outputs.map(({ file, sha256: digest }) => subject(file, digest)),
    predicateType: PREDICATE_TYPE,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: {
          ...(request === undefined ? {} : { program: request.program, arguments: request.arguments }),
          ...(request?.datastore === undefined ? {} : { datastore: request.datastore }),
          elements: record.elements.map(({ name }) => name),
          architecture: record.architecture,
          ...(record.lock === undefined ? {} : { lock: record.lock }),
        },
        internalParameters: {
          ...(record.sourceDate === undefined ? {} : { sourceDate: record.sourceDate }),
          steps: record.steps.length,
        },
        resolvedDependencies: dependencies(record),
      },
      runDetails: {
        builder: { id: builderId, version: { [builder.name]: builder.version } },
        byproducts: [{ name: recordFiles.record, digest: { sha256: sha256(recordText(record)) } }],
      },
    },
  }
}

/** All that the build took in: packages, downloads, commits, elements, and the lock that named them. */
function dependencies({
  packages,
  downloads,
  sources,
  elements,
  lock,
  distribution,
}: BuildRecord): readonly ResourceDescriptor[] {
  return [
    ...packages.map(({ name, version, architecture, url, sha256: digest }) => ({
      name: `${name} ${version} ${architecture}`,
      uri:
        url === undefined
          ? purl({
              type: 'deb',
              namespace: distribution?.id ?? 'debian',
              name,
              version,
              qualifiers: { arch: architecture },
            })
          : publicUrl(url),
      ...(digest === undefined ? {} : { digest: { sha256: digest } }),
    })),
    ...downloads.map(({ url, sha256: digest }) => ({ uri: publicUrl(url), digest: { sha256: digest } })),
    ...(sources ?? []).map(({ name, location, ref, revision }) => ({
      name,
      uri: `${gitUri(location)}@${ref}`,
      digest: { gitCommit: revision },
    })),
    ...elements.map(({ name, digest }) => ({ name: `element ${name}`, digest: { sha256: digest } })),
    ...(lock === undefined ? [] : [{ name: 'lock', digest: { sha256: lock } }]),
  ]
}
