import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'
import { entering } from '../../lib/user-namespace.ts'
import { readArtifact } from './artifacts.ts'
import { whileUnused } from './build-cache.ts'
import { openLayers } from './layers.ts'
import { type CacheLayout, cacheLayout } from './layout.ts'

/** Something that the step cache holds. */
export interface CacheEntry {
  readonly kind: 'layer' | 'image'
  readonly name: string
  /** `install.d/30-mysql` of a layer; the outputs of an image; `unreadable`. */
  readonly what: string
  readonly element: string
  /** Bytes on disk. */
  readonly bytes: number
  readonly used: Date
  /** Seconds that the step took; 0 for an image. */
  readonly seconds: number
}

/**
 * All that the cache holds, last used first; what cannot be understood any more comes last.
 *
 * @param enter words in front of a command that may read the files of layers
 */
export async function cacheEntries(
  directory: string,
  enter: readonly string[] = [],
): Promise<readonly CacheEntry[]> {
  const layout = cacheLayout(directory)
  const layers = await openLayers(directory).list()
  const understood = new Map(layers.map((layer) => [layer.name, layer]))
  const all = [
    ...(await namesIn(layout.layers)).map((name) => {
      const layer = understood.get(name)
      return {
        kind: 'layer' as const,
        name,
        what: layer === undefined ? UNREADABLE : `${layer.meta.phase}/${layer.meta.step}`,
        element: layer?.meta.element ?? '',
        path: layout.layer(name),
        used: layer?.used ?? new Date(0),
        seconds: layer?.meta.seconds ?? 0,
      }
    }),
    ...(await Promise.all(
      (
        await namesIn(layout.artifacts)
      ).map(async (name) => {
        const path = join(layout.artifacts, name)
        const artifact = await readArtifact(path)
        const found = await stat(join(path, 'meta.json')).catch(() => undefined)
        return {
          kind: 'image' as const,
          name,
          what: artifact?.outputs.map(({ suffix }) => suffix.slice(1)).join(', ') ?? UNREADABLE,
          element: '',
          path,
          used: artifact === undefined ? new Date(0) : (found?.mtime ?? new Date(0)),
          seconds: 0,
        }
      }),
    )),
  ]
  const sizes = await sizesOf(
    all.map(({ path }) => path),
    enter,
  )
  return all
    .map(({ path, ...entry }) => ({ ...entry, bytes: sizes.get(path) ?? 0 }))
    .sort((a, b) => b.used.getTime() - a.used.getTime() || a.name.localeCompare(b.name))
}

const UNREADABLE = 'unreadable'

async function namesIn(directory: string): Promise<string[]> {
  return await readdir(directory).catch(() => [])
}

async function everyPath({ layers, artifacts }: CacheLayout): Promise<string[]> {
  const found = [layers, artifacts].map(async (parent) =>
    (await namesIn(parent)).map((name) => join(parent, name)),
  )
  return (await Promise.all(found)).flat()
}

/**
 * In each directory, once somebody has asked: what lies in the cache never changes, and counting takes its time. A line, so
 * that half of one is known for what it is.
 */
const BYTES = 'bytes'

/** Bytes on disk of directories. */
async function sizesOf(
  paths: readonly string[],
  enter: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const known = new Map<string, number>()
  const notes = await Promise.all(paths.map((path) => readFile(join(path, BYTES), 'utf8').catch(() => '')))
  for (const [at, path] of paths.entries()) {
    const [, bytes] = /^(\d+)\n$/.exec(notes[at] ?? '') ?? []
    if (bytes !== undefined) known.set(path, Number(bytes))
  }
  const counted = await countedSizes(
    paths.filter((path) => !known.has(path)),
    enter,
  )
  for (const [path, bytes] of counted)
    await writeFile(join(path, BYTES), `${bytes}\n`, { mode: 0o600 }).catch(() => undefined)
  return new Map([...known, ...counted])
}

async function countedSizes(
  paths: readonly string[],
  enter: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (paths.length === 0) return new Map()
  const du = ['du', '--summarize', '--block-size=1', '--null', '--', ...paths] as const
  const usage = await run(entering(enter, du), { check: false })
  return new Map(
    usage.stdout
      .split('\0')
      .filter((row) => row !== '')
      .map((row) => [row.slice(row.indexOf('\t') + 1), Number.parseInt(row, 10)]),
  )
}

/**
 * Deletes what was not used for longest until the rest fits. While a build runs nothing is: it may stand on any layer.
 *
 * @param maxBytes bytes on disk to keep; 0 deletes everything
 * @param enter words in front of a command that may delete the files of layers, see {@link removeTree}
 * @returns what was deleted
 */
export async function pruneSteps(
  directory: string,
  maxBytes: number,
  enter: readonly string[] = [],
): Promise<readonly CacheEntry[]> {
  return (await whileUnused(directory, () => prune(directory, maxBytes, enter))) ?? []
}

async function prune(
  directory: string,
  maxBytes: number,
  enter: readonly string[],
): Promise<readonly CacheEntry[]> {
  const layout = cacheLayout(directory)
  const gone: CacheEntry[] = []
  const sizes = await sizesOf(await everyPath(layout), enter)
  // Most of the time. What each entry is takes longer to find out.
  if ([...sizes.values()].reduce((sum, bytes) => sum + bytes, 0) <= maxBytes) return gone
  let kept = 0
  for (const entry of await cacheEntries(directory, enter)) {
    kept += entry.bytes
    if (kept <= maxBytes) continue
    const path = entry.kind === 'layer' ? layout.layer(entry.name) : join(layout.artifacts, entry.name)
    await removeTree(path, { enter })
    gone.push(entry)
  }
  return gone
}
