import { CofferError } from '../../../lib/errors.ts'
import { ENGINES } from '../../datastores/engines.ts'
import type { Slot } from '../content/disk.ts'
import type { FileSystem } from '../content/file-system.ts'
import type { FileNode } from '../content/node.ts'
import type { ContentFormat, OpenImage } from '../content/open.ts'
import { partitionTypeName } from '../content/partition-types.ts'
import type { Partition } from '../content/partitions.ts'
import { readDpkg } from '../dpkg/database.ts'
import type { ImageContent, ImagePackage } from '../manifest.ts'
import type { BuildRecord } from '../record.ts'
import { agentVersions } from './agent.ts'
import {
  type EngineFacts,
  engineFacts,
  type Kernel,
  kernels,
  type OperatingSystem,
  operatingSystem,
} from './system.ts'

/** What one wants to know of an image first. Sizes and offsets are bytes. */
export interface Inspection {
  readonly format: ContentFormat
  readonly fileSize: number
  readonly virtualSize?: number
  readonly partitionTable?: 'gpt' | 'mbr'
  readonly partitions: readonly (Partition & {
    readonly typeName: string
    readonly fileSystem?: FileSystem
  })[]
  /** Of a disk without partitions. */
  readonly fileSystem?: FileSystem
  readonly os?: OperatingSystem
  readonly kernels: readonly Kernel[]
  readonly engine?: EngineFacts & { readonly version?: string }
  readonly agentVersion?: string
  readonly nodeVersion?: string
  /** How many packages dpkg has installed. */
  readonly packages?: number
  readonly architecture?: string
  /** From the record of the build, else from the registry. */
  readonly elements?: readonly string[]
  readonly builderVersion?: string
  readonly sourceDate?: string
  /** What kept us from seeing more. */
  readonly notes: readonly string[]
}

/** What is known of an image beside itself. */
export interface Known {
  readonly record?: BuildRecord
  readonly manifest?: ImageContent
}

/**
 * Looks at an image: disk, file systems, operating system, engine, agent, and what its build recorded. A file system that
 * cannot be read leaves its part out and a note in its place.
 */
export function inspectImage(image: OpenImage, { record, manifest }: Known = {}): Inspection {
  const { format, fileSize, virtualSize, layout } = image
  const whole = layout.slots.find(({ partition }) => partition === undefined)?.fileSystem
  const elements = record?.elements.map(({ name }) => name) ?? manifest?.elements
  return {
    ...{ format, fileSize },
    ...(virtualSize === undefined ? {} : { virtualSize }),
    ...(layout.table === undefined ? {} : { partitionTable: layout.table }),
    partitions: layout.slots.flatMap(partitionFacts),
    ...(whole === undefined ? {} : { fileSystem: whole }),
    ...contentFacts(image, record),
    ...(elements === undefined ? {} : { elements }),
    ...(record === undefined ? {} : { builderVersion: record.builder.version }),
    ...(record?.sourceDate === undefined ? {} : { sourceDate: record.sourceDate }),
  }
}

function partitionFacts({ partition, fileSystem }: Slot): Inspection['partitions'] {
  if (partition === undefined) return []
  const typeName = partitionTypeName(partition.type)
  return [{ ...partition, typeName, ...(fileSystem === undefined ? {} : { fileSystem }) }]
}

type ContentFacts = Pick<
  Inspection,
  'os' | 'kernels' | 'engine' | 'agentVersion' | 'nodeVersion' | 'packages' | 'architecture' | 'notes'
>

function contentFacts(image: OpenImage, record: BuildRecord | undefined): ContentFacts {
  const notes = image.layout.slots.flatMap(({ fileSystem }) => fileSystem?.note ?? [])
  try {
    return { ...treeFacts(image.root(), record), notes }
  } catch (error) {
    if (!(error instanceof CofferError)) throw error
    return { kernels: [], notes: [...notes, error.message] }
  }
}

function treeFacts(root: FileNode, record: BuildRecord | undefined): Omit<ContentFacts, 'notes'> {
  const os = operatingSystem(root)
  const packages = readDpkg(root)?.packages
  const architecture = record?.architecture ?? packages?.find(({ name }) => name === 'dpkg')?.architecture
  const engine = engineFacts(root)
  const version = engine === undefined ? undefined : engineVersion(engine.datastore, packages ?? [])
  const agent = record?.agentVersion
  const node = record?.nodeVersion
  // Reading the node binary takes longer than all the rest: only where nobody wrote its version down.
  const found = agent === undefined || node === undefined ? agentVersions(root) : undefined
  const [agentVersion, nodeVersion] = [agent ?? found?.agent, node ?? found?.node]
  return {
    ...(os === undefined ? {} : { os }),
    kernels: kernels(root),
    ...(engine === undefined ? {} : { engine: { ...engine, ...(version === undefined ? {} : { version }) } }),
    ...(agentVersion === undefined ? {} : { agentVersion }),
    ...(nodeVersion === undefined ? {} : { nodeVersion }),
    ...(packages === undefined ? {} : { packages: packages.length }),
    ...(architecture === undefined ? {} : { architecture }),
  }
}

/** Version of the package that the engine comes in. */
function engineVersion(datastore: string, packages: readonly ImagePackage[]): string | undefined {
  const named = Object.hasOwn(ENGINES, datastore) ? ENGINES[datastore]?.package : undefined
  return named === undefined ? undefined : packages.find(({ name }) => named.test(name))?.version
}
