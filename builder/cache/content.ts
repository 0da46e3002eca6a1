import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { digestFile, sha256 } from '../../lib/hash.ts'
import { writeAtomically } from '../../lib/write-atomically.ts'
import { layerParts } from './layout.ts'

/** What a layer holds. */
export interface LayerContent {
  /** SHA-256 over names, kinds, owners, modes, times and bytes of everything in it. */
  readonly digest: string
  /** Bytes of its files. */
  readonly bytes: number
  /** Absolute paths in the image of what it wrote, directories and deletions left out. */
  readonly paths: readonly string[]
}

/** What a layer holds: as it was described when it was made, else looked at now, and kept if there is room. */
export async function keepContent(layer: string): Promise<LayerContent> {
  const file = join(layer, layerParts.content)
  const known = await readFile(file, 'utf8').catch(() => undefined)
  const content = known === undefined ? undefined : parseContent(known)
  if (content !== undefined) return content
  const found = await describeContent(layer)
  await writeAtomically(file, JSON.stringify(found), 0o600, { durable: false }).catch(() => undefined)
  return found
}

function parseContent(text: string): LayerContent | undefined {
  try {
    const content = JSON.parse(text) as Partial<LayerContent> | null
    return typeof content?.digest === 'string' && Array.isArray(content.paths)
      ? (content as LayerContent)
      : undefined
  } catch {
    return undefined
  }
}

/** Looks at everything in a layer's directory. */
export async function describeContent(layer: string): Promise<LayerContent> {
  const lines: string[] = []
  const paths: string[] = []
  let bytes = 0
  for (const part of [layerParts.tree, layerParts.hooks, layerParts.output]) {
    await walk(join(layer, part), async (path, name) => {
      const stat = await lstat(path)
      const what = [part, name, stat.mode.toString(8), stat.uid, stat.gid, stat.rdev]
      // The top is made anew for each layer; its times say nothing.
      const time = name === '' ? 0 : Math.round(stat.mtimeMs)
      if (stat.isFile()) {
        bytes += stat.size
        lines.push(JSON.stringify([...what, time, stat.size, await digestFile(path)]))
      } else {
        const target = stat.isSymbolicLink() ? await readlink(path) : ''
        lines.push(JSON.stringify([...what, time, target]))
      }
      const whiteout = stat.isCharacterDevice() && stat.rdev === 0
      if (part === layerParts.tree && !stat.isDirectory() && !whiteout) paths.push(name)
    })
  }
  return { digest: sha256(lines.join('\n')), bytes, paths }
}

async function walk(
  directory: string,
  visit: (path: string, name: string) => Promise<void>,
  name = '',
): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined)
  if (entries === undefined) return
  await visit(directory, name)
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${directory}/${entry.name}`
    if (entry.isDirectory()) await walk(path, visit, `${name}/${entry.name}`)
    else await visit(path, `${name}/${entry.name}`)
  }
}
