import { CofferError } from '../../lib/errors.ts'
import type { ImagePackage } from './manifest.ts'
import { isBuildRecord } from './record-shape.ts'

/**
 * What a build leaves beside its image, in the directory `NAME.d`: how the image came about. Everything in it is a function
 * of the build's inputs, so equal builds have equal records.
 */
export const recordFiles = {
  /** A {@link BuildRecord}. */
  record: 'manifest.json',
  /** A {@link FileRecord}, compressed with gzip. */
  files: 'files.json.gz',
  spdx: 'sbom.spdx.json',
  cyclonedx: 'sbom.cdx.json',
  /** An in-toto statement with a SLSA provenance predicate. */
  provenance: 'provenance.json',
  /** Signatures over the image, the record and the SBOMs. */
  signature: 'signature.json',
} as const

/** `manifest.json` beside a built image. */
export interface BuildRecord {
  readonly recordVersion: 1
  /** The image's name without directory and suffix. */
  readonly name: string
  readonly builder: { readonly name: 'coffer'; readonly version: string }
  readonly architecture: string
  /** The system inside; absent where its os-release does not say. */
  readonly distribution?: RecordedDistribution
  /** What was asked for. */
  readonly request?: RecordedRequest
  /** ISO 8601, UTC: of SOURCE_DATE_EPOCH where it is set or locked. Absent otherwise. */
  readonly sourceDate?: string
  /** In the order that their hooks ran. */
  readonly elements: readonly RecordedElement[]
  /** Every script that ran or came from the cache, in order. */
  readonly steps: readonly RecordedStep[]
  readonly packages: readonly RecordedPackage[]
  /** What came from elsewhere than a package repository, by digest. */
  readonly downloads: readonly RecordedDownload[]
  /** Left out when there are none. */
  readonly sources?: readonly RecordedSource[]
  readonly outputs: readonly RecordedOutput[]
  /** Version of the guest agent inside, where there is one. */
  readonly agentVersion?: string
  /** Version of the node that runs the agent, without the `v`. */
  readonly nodeVersion?: string
  /** SHA-256 of the lock file that the build was made from. */
  readonly lock?: string
  /** Files that may differ in the next build of the same inputs, and why. */
  readonly unreproducible: readonly Unreproducible[]
}

/** Something that may differ in the next build of the same inputs. */
export interface Unreproducible {
  /** Absolute path in the image, a directory for all that is below it; or the file name of an output. */
  readonly path: string
  /** Why: the end of a sentence that the path begins. */
  readonly reason: string
}

/** Words of os-release(5). */
export interface RecordedDistribution {
  /** `debian`, `ubuntu`, … */
  readonly id: string
  readonly version?: string
  /** `bookworm`, … */
  readonly codename?: string
}

export interface RecordedRequest {
  /** `build-image`, `disk-image-create` or `ramdisk-image-create`. */
  readonly program: string
  /** Options and words that bear on the image: none that name places of the building machine, and no credentials. */
  readonly arguments: readonly string[]
  /** What `build-image` was to build. */
  readonly datastore?: string
}

export interface RecordedElement {
  readonly name: string
  /** SHA-256 over the element's files. */
  readonly digest: string
  /** Whether it is one of ours. */
  readonly builtIn: boolean
}

export interface RecordedStep {
  readonly phase: string
  readonly script: string
  readonly element: string
  /** Content id: equal ids mean equal inputs, this step's and those of all steps before it. */
  readonly id: string
}

export interface RecordedPackage extends ImagePackage {
  /** Name and version of the source package, where they differ from the binary's. */
  readonly source?: string
  readonly sourceVersion?: string
  readonly maintainer?: string
  readonly section?: string
  /** Short licence names as the package's copyright file gives them; empty when it is not machine-readable. */
  readonly licenses?: readonly string[]
  /** Names below /usr/share/common-licenses that a copyright file refers to which is not machine-readable. */
  readonly mentionedLicenses?: readonly string[]
  /** Of the package file, where it passed the package proxy. */
  readonly sha256?: string
  /** Address of the package file, without credentials. */
  readonly url?: string
}

export interface RecordedDownload {
  readonly url: string
  readonly sha256: string
  readonly kind: 'file'
}

/** A commit of a git repository that the build took. */
export interface RecordedSource {
  readonly name: string
  /** Without credentials; a path for a repository of the machine that built. */
  readonly location: string
  /** The branch, tag or commit that was asked for. */
  readonly ref: string
  /** The commit that it was. */
  readonly revision: string
}

export interface RecordedOutput {
  /** File name, without directory. */
  readonly file: string
  readonly format: string
  readonly bytes: number
  readonly sha256: string
}

/** Which steps wrote which file: what `image why` answers from. */
export interface FileRecord {
  readonly recordVersion: 1
  /** Absolute path in the image → places in {@link BuildRecord.steps}, first writer first. */
  readonly files: Readonly<Record<string, readonly number[]>>
}

/** The text of `manifest.json`: documents that are made from a record are known by this text's digest. */
export const recordText = (record: BuildRecord): string => `${JSON.stringify(record, undefined, 1)}\n`

/**
 * Reads the text of a build record.
 *
 * @param where named in the error
 * @throws CofferError `BUILD_RECORD_BROKEN` when it is none
 */
export function parseBuildRecord(text: string, where: string): BuildRecord {
  try {
    const record: unknown = JSON.parse(text)
    if (isBuildRecord(record)) return record
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new CofferError('BUILD_RECORD_BROKEN', `${where} is not the record of a build`, {
    hint: 'Build the image again, or take the whole NAME.d directory from where it was built.',
  })
}
