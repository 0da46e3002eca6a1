import { readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import { findProgram } from '../../lib/find-program.ts'
import { digestFile } from '../../lib/hash.ts'
import { writeAtomically } from '../../lib/write-atomically.ts'
import {
  type Artifact,
  artifactKey,
  bringOutput,
  bringRecord,
  findArtifact,
  keepArtifact,
} from '../cache/artifacts.ts'
import type { BuildCache } from '../cache/build-cache.ts'
import { CACHE_START, cacheSteps } from '../cache/cache-steps.ts'
import { firstDifference } from '../cache/difference.ts'
import { preKeyOf } from '../cache/keys.ts'
import { openLayers } from '../cache/layers.ts'
import { type Lookup, lookUp } from '../cache/lookup.ts'
import type { CacheStep, Layer, LayerMeta } from '../cache/types.ts'
import { callerOf, formatOf } from '../output/index.ts'
import type { BuildRequest } from '../request/request.ts'
import { idsMark, type Privilege } from '../sandbox/rootless.ts'
import { searchPathOf } from './job.ts'
import { restoreOutput } from './output-directory.ts'
import { planOf } from './plan-of.ts'
import type { PreparedBuild } from './prepare.ts'
import { recordDirectory } from './record.ts'
import { imageSeed } from './seed.ts'

/** Directory of the step cache below the cache of downloads. Its files have owners of the image. */
export function stepCacheDirectory(imageCache: string, privilege: Privilege): string {
  return join(imageCache, `steps${idsMark(privilege)}`)
}

/** The steps of a prepared build, in order. */
export function stepsOf(prepared: PreparedBuild, version: string): CacheStep[] {
  const { request, facts, blockDevice, loopReason } = prepared
  return cacheSteps({
    plan: planOf(prepared, version),
    packages: request.packages,
    layout: [
      blockDevice.yaml,
      request.fsType,
      request.rootLabel ?? '',
      // The tree moves into file systems then, and none of that is kept.
      loopReason === undefined ? 'file' : 'loop devices',
    ].join('\n'),
    never: facts.never,
    attributes: facts.attributes,
    outputs: facts.outputs,
  })
}

/**
 * Finds out which steps need not run.
 *
 * @param unchanged whether what a step read from the package repositories is what they have now
 */
export async function findHits(
  directory: string,
  steps: readonly CacheStep[],
  resume: boolean,
  unchanged: (meta: LayerMeta) => Promise<boolean>,
): Promise<Lookup> {
  return await lookUp(openLayers(directory), CACHE_START, steps, async (meta) => {
    if (!(await isTrusted(directory, meta))) return false
    return resume || (!meta.never && (await unchanged(meta)))
  })
}

/**
 * How many steps would come from the cache, and why the next one would not. Asks no mirror: what the repositories have is taken
 * to be what it was.
 */
export async function explainHits(
  directory: string,
  steps: readonly CacheStep[],
  request: BuildRequest,
): Promise<{ readonly hits: number; readonly reason: string }> {
  const { hits, key } = await findHits(directory, steps, request.resume, async () => true)
  const next = steps[hits.length]
  if (next === undefined) return { hits: hits.length, reason: '' }
  const metas = (await openLayers(directory).list()).map(({ meta }) => meta)
  const fits = metas.filter(({ preKey }) => preKey === preKeyOf(key, next))
  const trusted = await Promise.all(fits.map((meta) => isTrusted(directory, meta)))
  if (fits.length > 0 && !trusted.includes(true))
    return {
      hits: hits.length,
      reason: 'its result may not have reached the disk before the machine stopped',
    }
  const same = metas.filter(
    ({ phase, step, element }) => phase === next.phase && step === next.name && element === next.element,
  )
  return { hits: hits.length, reason: firstDifference(next, same, fits) }
}

/** Identity of what a build makes of its tree; undefined when that is more than files. */
export async function outputsKey(tree: string, prepared: PreparedBuild): Promise<string | undefined> {
  const { request, loopReason } = prepared
  const plain = request.types.every((type) => formatOf(type).suffix !== undefined)
  if (!plain || loopReason !== undefined || request.ramdiskElement !== undefined) return undefined
  const { types, compress, qemuImgOptions, size, rootLabel, fsType, checksum, arch } = request
  return artifactKey(tree, {
    ...{ types, compress, qemuImgOptions, size, rootLabel, fsType, checksum, arch },
    name: basename(request.imageName),
    layout: prepared.blockDevice.yaml,
    seed: imageSeed(prepared),
    sourceDate: request.sourceDate ?? prepared.lock?.sourceDate,
    generated: Object.values(prepared.generated.put).map((file) => basename(file)),
    tools: await toolsOf(request),
  })
}

/** The programs and libraries that write disks and images: another version may write other bytes. */
async function toolsOf(request: BuildRequest): Promise<string[]> {
  const programs = await Promise.all(
    ['qemu-img', 'mke2fs', 'mkfs.vfat', 'grub-mkimage', 'tar', 'mksquashfs'].map(async (name) => {
      const path = await findProgram(name, searchPathOf(request))
      const found = path === undefined ? undefined : await stat(path)
      return `${name} ${found?.size ?? 0} ${found?.mtimeMs ?? 0}`
    }),
  )
  const { zlib, zstd } = process.versions
  return [...programs, `zlib ${zlib}`, `zstd ${zstd}`]
}

/** What a finished build left, as far as the cache keeps it. */
export interface FinishedOutput {
  readonly path: string
  readonly format: string
  readonly bytes: number
  readonly sha256?: string
}

/**
 * Brings all outputs of a build out of the cache, and fills the directories on the host that its scripts fill.
 *
 * @param hits layers of all steps of the build
 * @returns undefined when they are not there, or not whole
 */
export async function restoreOutputs(
  cache: BuildCache,
  key: string,
  request: BuildRequest,
  hits: readonly Layer[],
  place: (type: string, write: (target: string) => Promise<void>) => Promise<readonly FinishedOutput[]>,
): Promise<readonly FinishedOutput[] | undefined> {
  const artifact = await findArtifact(cache.directory, key, request.record)
  if (artifact === undefined) return undefined
  const restored: FinishedOutput[] = []
  for (const output of artifact.outputs) {
    try {
      const placed = await place(output.format, async (target) => {
        if (await bringOutput(cache.directory, artifact, output, target)) return
        throw new CofferError('CACHE_DAMAGED', 'An image in the step cache is damaged')
      })
      restored.push(...placed.map((one) => ({ ...one, sha256: output.sha256 })))
    } catch (error) {
      if (error instanceof CofferError && error.code === 'CACHE_DAMAGED') return undefined
      throw error
    }
  }
  if (request.record) await bringRecord(cache.directory, artifact, recordDirectory(request))
  const owner = callerOf(request.callerEnv)
  for (const layer of hits) await restoreOutput(cache.directory, layer, request.imageName, owner)
  return restored
}

/** Keeps the outputs of a build under their identity. */
export async function keepOutputs(
  cache: BuildCache,
  key: string,
  request: BuildRequest,
  outputs: readonly FinishedOutput[],
): Promise<void> {
  const kept = await Promise.all(
    outputs.map(async ({ path, format, bytes, sha256 }) => ({
      suffix: resolve(path).slice(resolve(request.imageName).length),
      format,
      bytes,
      sha256: sha256 ?? (await digestFile(path)),
    })),
  )
  const artifact: Artifact = {
    artifactVersion: 1,
    key,
    outputs: kept,
    created: systemClock.now().toISOString(),
    bootId: await thisBoot(),
  }
  const paths = outputs.map(({ path }) => resolve(path))
  const record = request.record ? recordDirectory(request) : undefined
  await keepArtifact(cache.directory, cache.drafts, artifact, paths, record)
}

/** File that says until when everything in the cache has reached the disk. */
const SYNCED = 'synced'

/** Waits until all layers have reached the disk, so that they are trusted after a power cut. */
export async function syncCache(directory: string): Promise<void> {
  const until = systemClock.now().toISOString()
  await run(['sync', '--file-system', '--', directory])
  await writeAtomically(join(directory, SYNCED), `${until}\n`, 0o600)
}

/** Whether a layer is sure to be whole: it is of this boot, or was on the disk before the machine stopped. */
async function isTrusted(directory: string, meta: LayerMeta): Promise<boolean> {
  if (meta.bootId === (await thisBoot())) return true
  const until = await readFile(join(directory, SYNCED), 'utf8').catch(() => '')
  return meta.created < until.trim()
}

async function thisBoot(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'unknown')).trim()
}
