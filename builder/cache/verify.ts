import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import { nodeCommand } from '../../lib/node-command.ts'
import { removeTree } from '../../lib/tree.ts'
import { entering } from '../../lib/user-namespace.ts'
import { readArtifact } from './artifacts.ts'
import { describeContent, keepContent, type LayerContent } from './content.ts'
import { cacheLayout, layerParts } from './layout.ts'
import { parseLayerMeta } from './parse-meta.ts'

/** What {@link verifySteps} found. */
export interface Verified {
  readonly sound: number
  /** Names of layers and images whose content is not what was kept. They are deleted. */
  readonly damaged: readonly string[]
}

/** {@link verifySteps} in a user namespace, which the words in `enter` lead into. */
export async function verifyInside(directory: string, enter: readonly string[]): Promise<Verified> {
  const program = new URL('verify-inside.ts', import.meta.url).pathname
  const node = [...nodeCommand, program, directory] as const
  return JSON.parse((await run(entering(enter, node))).stdout) as Verified
}

/** Reads everything in the cache and compares it with the digests that were taken when it was kept. */
export async function verifySteps(
  directory: string,
  onEntry: (name: string) => void = () => undefined,
): Promise<Verified> {
  const layout = cacheLayout(directory)
  const damaged: string[] = []
  let sound = 0
  const judge = async (name: string, path: string, whole: boolean) => {
    onEntry(name)
    if (whole) {
      sound += 1
      return
    }
    damaged.push(name)
    await removeTree(path)
  }
  for (const name of await readdir(layout.layers).catch(() => [])) {
    await judge(name, layout.layer(name), await isLayerSound(layout.layer(name)))
  }
  for (const name of await readdir(layout.artifacts).catch(() => [])) {
    const path = join(layout.artifacts, name)
    await judge(name, path, await isArtifactSound(path))
  }
  return { sound, damaged }
}

async function isLayerSound(path: string): Promise<boolean> {
  try {
    if (parseLayerMeta(await readFile(join(path, layerParts.meta), 'utf8')) === undefined) return false
    const known = await readFile(join(path, layerParts.content), 'utf8').catch(() => undefined)
    // A build that was cut off leaves layers that nobody has described: they are described now.
    const kept = known === undefined ? await keepContent(path) : (JSON.parse(known) as LayerContent)
    return (await describeContent(path)).digest === kept.digest
  } catch {
    return false
  }
}

async function isArtifactSound(path: string): Promise<boolean> {
  try {
    const artifact = await readArtifact(path)
    if (artifact === undefined) return false
    for (const { suffix, sha256 } of artifact.outputs) {
      if ((await digestFile(join(path, `image${suffix}`))) !== sha256) return false
    }
    return true
  } catch {
    return false
  }
}
