import { mkdir, readdir, readFile, rename, stat, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isErrno } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import { digestFile, sha256 } from '../../lib/hash.ts'
import { removeTree } from '../../lib/tree.ts'
import { writeAtomically } from '../../lib/write-atomically.ts'
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
 * Keeps copies of finished outputs, and of the record beside them.
 *
 * @param drafts a directory on the cache's file system for the unfinished copy
 * @param outputs paths of the files
 * @param record directory with the build's record; undefined when none was asked for
 */
export async function keepArtifact(
  cache: string,
  drafts: string,
  artifact: Artifact,
  outputs: readonly string[],
  record: string | undefined,
): Promise<void> {
  const layout = cacheLayout(cache)
  const draft = join(drafts, 'artifact')
  await mkdir(join(draft, 'record'), { recursive: true, mode: 0o700 })
  for (const [at, path] of outputs.entries()) {
    await copy(path, join(draft, `image${artifact.outputs[at]?.suffix ?? ''}`))
  }
  if (record !== undefined)
    for (const name of await recordsIn(record)) await copy(join(record, name), join(draft, 'record', name))
  await writeAtomically(join(draft, 'meta.json'), `${JSON.stringify(artifact, undefined, 1)}\n`, 0o600)
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
  for (const name of await recordsIn(kept)) await copy(join(kept, name), join(target, name))
}

async function recordsIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}

/** Shares blocks where the file system can, and keeps holes. */
async function copy(from: string, to: string): Promise<void> {
  await run(['cp', '--reflink=auto', '--sparse=auto', '--', basename(from), to], { cwd: dirname(from) })
}
