import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { CofferError } from '../../lib/errors.ts'
import { findProgram } from '../../lib/find-program.ts'
import { digestFile, sha256 } from '../../lib/hash.ts'
import { isFile } from '../../lib/path-kind.ts'
import { bootId } from '../../lib/process-id.ts'
import {
  type Artifact,
  artifactKey,
  bringOutput,
  bringRecord,
  draftArtifact,
  findAlike,
  findArtifact,
  keepArtifact,
} from '../cache/artifacts.ts'
import type { BuildCache } from '../cache/build-cache.ts'
import { isTrusted } from '../cache/trust.ts'
import type { Layer } from '../cache/types.ts'
import { callerOf, formatOf } from '../output/index.ts'
import type { ClusterReuse } from '../output/qcow2-write.ts'
import type { BuildRequest } from '../request/request.ts'
import { searchPathOf } from './job.ts'
import { restoreOutput } from './output-directory.ts'
import type { PreparedBuild } from './prepare.ts'
import { recordDirectory } from './record.ts'
import { imageSeed } from './seed.ts'

/** All that decides what a build makes of its tree. */
export interface OutputRecipe {
  /** Identity of the outputs of a tree. */
  readonly key: (tree: string) => string
  /** The same for images of one name that are written by the same programs, whatever is in them. */
  readonly alike: string
}

/** How a build makes its outputs; undefined when they are more than files. */
export async function outputRecipe(prepared: PreparedBuild): Promise<OutputRecipe | undefined> {
  const { request, loopReason } = prepared
  const plain = request.types.every((type) => formatOf(type).suffix !== undefined)
  if (!plain || loopReason !== undefined || request.ramdiskElement !== undefined) return undefined
  const { types, compress, qemuImgOptions, size, rootLabel, fsType, checksum, arch } = request
  const name = basename(request.imageName)
  const tools = await toolsOf(request)
  const how = {
    ...{ types, compress, qemuImgOptions, size, rootLabel, fsType, checksum, arch },
    name,
    layout: prepared.blockDevice.yaml,
    seed: imageSeed(prepared),
    sourceDate: request.sourceDate ?? prepared.lock?.sourceDate,
    generated: Object.values(prepared.generated.put).map((file) => basename(file)),
    tools,
  }
  return {
    key: (tree) => artifactKey(tree, how),
    alike: sha256(JSON.stringify([name, arch, qemuImgOptions, tools])),
  }
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
  if (artifact === undefined || !(await isTrusted(cache.directory, artifact))) return undefined
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

/** Where the compressed clusters of a build's qcow2 image come from, and where they are noted for the next. */
export async function clustersOf(cache: BuildCache, recipe: OutputRecipe | undefined): Promise<ClusterReuse> {
  const image = recipe && (await findAlike(cache.directory, recipe.alike, '.qcow2'))
  return {
    index: `${cache.drafts}/${CLUSTERS}`,
    earlier: image === undefined ? undefined : { image, index: `${image}.${CLUSTERS}` },
  }
}

const CLUSTERS = 'clusters'

/** Begins to copy outputs into the cache, for {@link keepOutputs}. @returns the directory with the copies */
export async function copyOutputs(
  cache: BuildCache,
  request: BuildRequest,
  outputs: readonly FinishedOutput[],
): Promise<string> {
  const files = outputs.map(({ path }) => ({ path: resolve(path), suffix: suffixOf(path, request) }))
  const index = `${cache.drafts}/${CLUSTERS}`
  const indexes = (await isFile(index)) ? [{ path: index, suffix: `.qcow2.${CLUSTERS}` }] : []
  return await draftArtifact(cache.drafts, [...files, ...indexes])
}

/**
 * Keeps the outputs of a build under their identity.
 *
 * @param recipe.tree identity of the tree that they were made of
 * @param copies see {@link copyOutputs}
 */
export async function keepOutputs(
  cache: BuildCache,
  recipe: OutputRecipe & { readonly tree: string },
  request: BuildRequest,
  outputs: readonly FinishedOutput[],
  copies: Promise<string>,
): Promise<void> {
  const kept = await Promise.all(
    outputs.map(async ({ path, format, bytes, sha256 }) => ({
      suffix: suffixOf(path, request),
      format,
      bytes,
      sha256: sha256 ?? (await digestFile(path)),
    })),
  )
  const artifact: Artifact = {
    artifactVersion: 1,
    key: recipe.key(recipe.tree),
    alike: recipe.alike,
    outputs: kept,
    created: systemClock.now().toISOString(),
    bootId: bootId(),
  }
  const record = request.record ? recordDirectory(request) : undefined
  await keepArtifact(cache.directory, await copies, artifact, record)
}

/** What follows the image's name. */
function suffixOf(path: string, { imageName }: BuildRequest): string {
  return resolve(path).slice(resolve(imageName).length)
}
