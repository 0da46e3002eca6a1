import { mkdir, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isErrno } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import { digestFile, sha256 } from '../../lib/hash.ts'
import { removeTree } from '../../lib/tree.ts'
import { recordFiles } from '../../registry/images/record.ts'
import { cacheLayout } from './layout.ts'
import { parseArtifact } from './parse-meta.ts'

/** A finished output as the cache keeps it. */
export interface KeptOutput {
  /** What follows the image's name: `.qcow2`. */
  readonly suffix: string
  readonly format: string
  readonly bytes: number
  readonly sha256: string
}

/** `meta.json` of the outputs of a build. */
export interface Artifact {
  readonly artifactVersion: 1
  readonly key: string
  /** The same for images that {@link findAlike} takes for each other's. */
  readonly alike?: string
  readonly outputs: readonly KeptOutput[]
  readonly created: string
  readonly bootId: string
}

/** Identity of a build's outputs: of its tree, and of what makes files of it. */
export function artifactKey(tree: string, how: Readonly<Record<string, unknown>>): string {
  return sha256(JSON.stringify([tree, Object.entries(how)]))
}

/** What an artifact's directory says of itself; undefined when it says nothing that can be understood. */
export async function readArtifact(directory: string): Promise<Artifact | undefined> {
  const text = await readFile(join(directory, 'meta.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : parseArtifact(text)
}

/**
 * Outputs in the cache, all of them sound in size; undefined when there are none.
 *
 * @param record whether the build's record must be there as well
 */
export async function findArtifact(
  cache: string,
  key: string,
  record: boolean,
): Promise<Artifact | undefined> {
  const directory = cacheLayout(cache).artifact(key)
  const artifact = await readArtifact(directory)
  if (artifact?.key !== key) return undefined
  for (const { suffix, bytes } of artifact.outputs) {
    const found = await stat(join(directory, `image${suffix}`)).catch(() => undefined)
    if (found?.size !== bytes) return undefined
  }
  if (record && !(await recordsIn(join(directory, 'record'))).includes(recordFiles.record)) return undefined
  const now = new Date()
  await utimes(join(directory, 'meta.json'), now, now)
  return artifact
}

/**
 * The newest image that was made in the same way as another.
 *
 * @param suffix of the output that is wanted
 * @returns its path; undefined when there is none
 */
export async function findAlike(cache: string, alike: string, suffix: string): Promise<string | undefined> {
  const { artifacts } = cacheLayout(cache)
  const names = await readdir(artifacts).catch(() => [])
  const found = await Promise.all(
    names.map(async (name) => ({ name, artifact: await readArtifact(join(artifacts, name)) })),
  )
  const newest = found
    .filter(({ artifact }) => artifact?.alike === alike)
    .filter(({ artifact }) => artifact?.outputs.some((output) => output.suffix === suffix))
    .sort((a, b) => (a.artifact?.created ?? '').localeCompare(b.artifact?.created ?? ''))
    .at(-1)
  return newest && join(artifacts, newest.name, `image${suffix}`)
}

/**
 * Copies finished outputs for {@link keepArtifact}.
 *
 * @param drafts a directory on the cache's file system for the unfinished copy
 * @returns the directory with the copies
 */
export async function draftArtifact(
  drafts: string,
  outputs: readonly { readonly path: string; readonly suffix: string }[],
): Promise<string> {
  const draft = join(drafts, 'artifact')
  await mkdir(join(draft, 'record'), { recursive: true, mode: 0o700 })
  for (const { path, suffix } of outputs) await copy(path, join(draft, `image${suffix}`))
  return draft
}

/**
 * Keeps copies of finished outputs, and a copy of the record beside them.
 *
 * @param draft see {@link draftArtifact}
 * @param record directory with the build's record; undefined when none was asked for
 */
export async function keepArtifact(
  cache: string,
  draft: string,
  artifact: Artifact,
  record: string | undefined,
): Promise<void> {
  const layout = cacheLayout(cache)
  if (record !== undefined) await copyInto(record, await recordsIn(record), join(draft, 'record'))
  await writeFile(join(draft, 'meta.json'), `${JSON.stringify(artifact, undefined, 1)}\n`, { mode: 0o600 })
  await mkdir(layout.artifacts, { recursive: true, mode: 0o700 })
  try {
    await rename(draft, layout.artifact(artifact.key))
  } catch (error) {
    if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'EEXIST')) throw error
    await removeTree(layout.artifact(artifact.key))
    await rename(draft, layout.artifact(artifact.key))
  }
}

/**
 * Brings an output out of the cache, to `target`. Its digest is checked on the way.
 *
 * @returns false, and the damaged artifact is gone, when the copy is not what was kept
 */
export async function bringOutput(
  cache: string,
  artifact: Artifact,
  output: KeptOutput,
  target: string,
): Promise<boolean> {
  const directory = cacheLayout(cache).artifact(artifact.key)
  await copy(join(directory, `image${output.suffix}`), target)
  if ((await digestFile(target)) === output.sha256) return true
  await removeTree(directory)
  return false
}

/** Brings the build's record into a directory beside the image. */
export async function bringRecord(cache: string, artifact: Artifact, target: string): Promise<void> {
  const kept = join(cacheLayout(cache).artifact(artifact.key), 'record')
  await mkdir(target, { recursive: true })
  await copyInto(kept, await recordsIn(kept), target)
}

async function recordsIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}

async function copy(from: string, to: string): Promise<void> {
  await run([...CP, basename(from), to], { cwd: dirname(from) })
}

async function copyInto(directory: string, names: readonly string[], target: string): Promise<void> {
  if (names.length > 0) await run([...CP, ...names, target], { cwd: directory })
}

/** Shares blocks where the file system can, and keeps holes. */
const CP = ['cp', '--reflink=auto', '--sparse=auto', '--'] as const
