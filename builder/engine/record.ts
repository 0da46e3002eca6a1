import { chown, mkdir, readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { digestFile, sha256 } from '../../lib/hash.ts'
import { writeAtomically } from '../../lib/write-atomically.ts'
import { everyFile } from '../../phases/hooks.ts'
import {
  type BuildRecord,
  parseBuildRecord,
  type RecordedDistribution,
  type RecordedPackage,
  recordFiles,
  recordText,
} from '../../registry/images/record.ts'
import { CACHE_START } from '../cache/cache-steps.ts'
import { preKeyOf } from '../cache/keys.ts'
import type { CacheStep } from '../cache/types.ts'
import { callerOf } from '../output/index.ts'
import { recordedRequest } from '../request/recorded-request.ts'
import type { BuildRequest } from '../request/request.ts'
import { builtInElements, type PreparedBuild } from './prepare.ts'

/** The directory beside an image that says how it came about. */
export function recordDirectory({ imageName }: Pick<BuildRequest, 'imageName'>): string {
  return `${resolve(imageName)}.d`
}

/** What a build tells about itself once it is done. */
export interface BuildFacts {
  readonly steps: readonly CacheStep[]
  readonly packages: readonly RecordedPackage[]
  readonly outputs: readonly {
    readonly path: string
    readonly format: string
    readonly bytes: number
    readonly sha256?: string
  }[]
  /** What the image says of the agent in it. */
  readonly agent: Pick<BuildRecord, 'agentVersion' | 'nodeVersion'>
  readonly distribution?: RecordedDistribution
  readonly downloads: BuildRecord['downloads']
  readonly sources: NonNullable<BuildRecord['sources']>
  readonly unreproducible: BuildRecord['unreproducible']
  readonly sourceDate?: number
  readonly lock?: string
}

/** The record of a finished build. Equal builds give equal records. */
export async function buildRecord(
  prepared: PreparedBuild,
  version: string,
  facts: BuildFacts,
): Promise<BuildRecord> {
  const { request, elements, hooks } = prepared
  let id = CACHE_START
  const steps = facts.steps.map((step) => {
    id = preKeyOf(id, step)
    return { phase: step.phase, script: step.name, element: step.element, id }
  })
  return {
    recordVersion: 1,
    name: basename(request.imageName),
    builder: { name: 'coffer', version },
    architecture: request.arch,
    ...(facts.distribution === undefined ? {} : { distribution: facts.distribution }),
    request: recordedRequest(request),
    ...(facts.sourceDate === undefined
      ? {}
      : { sourceDate: new Date(facts.sourceDate * 1000).toISOString() }),
    elements: elements.map(({ name, path }) => ({
      name,
      digest: sha256(
        JSON.stringify(
          everyFile(hooks)
            .filter(({ element }) => element === name)
            .map(({ destination, mode, digest }) => [destination, mode, digest]),
        ),
      ),
      builtIn: builtInElements.some((directory) => path.startsWith(`${directory}/`)),
    })),
    steps,
    packages: facts.packages,
    downloads: facts.downloads,
    ...(facts.sources.length === 0 ? {} : { sources: facts.sources }),
    outputs: await Promise.all(
      facts.outputs.map(async ({ path, format, bytes, sha256: known }) => ({
        file: basename(path),
        format,
        bytes,
        sha256: known ?? (await digestFile(path)),
      })),
    ),
    ...facts.agent,
    ...(facts.lock === undefined ? {} : { lock: facts.lock }),
    unreproducible: facts.unreproducible,
  }
}

/** The record beside an image; undefined when there is none. */
export async function readBuildRecord(request: BuildRequest): Promise<BuildRecord | undefined> {
  const path = join(recordDirectory(request), recordFiles.record)
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : parseBuildRecord(text, path)
}

/** Writes the record beside the image; the whole directory belongs to the caller of the build. */
export async function writeBuildRecord(request: BuildRequest, record: BuildRecord): Promise<void> {
  const directory = recordDirectory(request)
  await mkdir(directory, { recursive: true })
  await writeAtomically(join(directory, recordFiles.record), recordText(record), 0o644)
  const owner = callerOf(request.callerEnv)
  if (owner === undefined) return
  await chown(directory, owner.uid, owner.gid)
  for (const name of await readdir(directory)) await chown(join(directory, name), owner.uid, owner.gid)
}
