import { type Dirent, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
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

/**
 * Looks at everything in a layer's directory. Thousands of small questions: asked at once, each takes a tenth of what it takes
 * to hand it to another thread; now and then whatever else is to be done has its turn.
 */
export async function describeContent(layer: string): Promise<LayerContent> {
  const lines: string[] = []
  const paths: string[] = []
  let bytes = 0
  let turn = performance.now() + TURN_MS
  for (const part of [layerParts.tree, layerParts.hooks, layerParts.output]) {
    for (const { path, name } of walk(join(layer, part))) {
      const stat = lstatSync(path)
      const what = [part, name, stat.mode.toString(8), stat.uid, stat.gid, stat.rdev]
      // The top is made anew for each layer; its times say nothing.
      const time = name === '' ? 0 : Math.round(stat.mtimeMs)
      if (stat.isFile()) {
        bytes += stat.size
        const digest = stat.size < LARGE ? sha256(readFileSync(path)) : await digestFile(path)
        lines.push(JSON.stringify([...what, time, stat.size, digest]))
      } else {
        const target = stat.isSymbolicLink() ? readlinkSync(path) : ''
        lines.push(JSON.stringify([...what, time, target]))
      }
      const whiteout = stat.isCharacterDevice() && stat.rdev === 0
      if (part === layerParts.tree && !stat.isDirectory() && !whiteout) paths.push(name)
      if (performance.now() < turn) continue
      await setImmediate()
      turn = performance.now() + TURN_MS
    }
  }
  return { digest: sha256(lines.join('\n')), bytes, paths }
}

/** Milliseconds without a turn for others. */
const TURN_MS = 5

/** Bytes of a file that is read by another thread. */
const LARGE = 1024 ** 2

/** A directory and all below it, in the order of their names. */
function* walk(directory: string, name = ''): Generator<{ readonly path: string; readonly name: string }> {
  const entries = listed(directory)
  if (entries === undefined) return
  yield { path: directory, name }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${directory}/${entry.name}`
    if (entry.isDirectory()) yield* walk(path, `${name}/${entry.name}`)
    else yield { path, name: `${name}/${entry.name}` }
  }
}

function listed(directory: string): Dirent[] | undefined {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch {
    return undefined
  }
}
