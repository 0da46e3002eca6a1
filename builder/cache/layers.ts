import { mkdir, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { isErrno } from '../../lib/errors.ts'
import { removeTree } from '../../lib/tree.ts'
import { cacheLayout, layerName, layerParts } from './layout.ts'
import { parseLayerMeta } from './parse-meta.ts'
import type { Layer, LayerMeta } from './types.ts'

/** The layers of a step cache. Any number of builds share a directory without a lock: a layer appears by one rename. */
export interface LayerStore {
  /** Every layer that can be understood, last used first. */
  readonly list: () => Promise<readonly (Layer & { readonly used: Date })[]>
  /** Layers that a step with this identity has left, newest first. */
  readonly find: (preKey: string) => Promise<readonly Layer[]>
  /** Notes that a layer was used now. False when it has gone meanwhile. */
  readonly touch: (name: string) => Promise<boolean>
  /**
   * Makes a finished directory a layer: writes its meta.json and renames it. Nothing waits for the disk: until the cache has
   * been synced, a layer is trusted only by the boot of the machine that made it.
   *
   * @param draft a directory on the cache's file system, with the parts of {@link layerParts} in it
   * @returns the layer; the one that another build put there first, if one did
   */
  readonly commit: (draft: string, meta: LayerMeta) => Promise<Layer>
  readonly remove: (name: string) => Promise<void>
}

/** Opens the layers of a cache directory, which may not exist yet. */
export function openLayers(directory: string): LayerStore {
  const layout = cacheLayout(directory)

  async function names(): Promise<string[]> {
    return readdir(layout.layers).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return []
      throw error
    })
  }

  async function read(name: string): Promise<Layer | undefined> {
    const text = await readFile(`${layout.layer(name)}/${layerParts.meta}`, 'utf8').catch(() => undefined)
    const meta = text === undefined ? undefined : parseLayerMeta(text)
    return meta === undefined ? undefined : { name, meta }
  }

  return {
    async list() {
      const found = await Promise.all(
        (await names()).map(async (name) => {
          const layer = await read(name)
          const used = await stat(`${layout.layer(name)}/${layerParts.meta}`).catch(() => undefined)
          return layer === undefined || used === undefined ? [] : [{ ...layer, used: used.mtime }]
        }),
      )
      return found.flat().sort((a, b) => b.used.getTime() - a.used.getTime())
    },

    async find(preKey) {
      const prefix = `${preKey.slice(0, 14)}-`
      const layers = await Promise.all((await names()).filter((name) => name.startsWith(prefix)).map(read))
      return layers
        .filter((layer): layer is Layer => layer?.meta.preKey === preKey)
        .sort((a, b) => b.meta.created.localeCompare(a.meta.created))
    },

    async touch(name) {
      const now = new Date()
      try {
        await utimes(`${layout.layer(name)}/${layerParts.meta}`, now, now)
        return true
      } catch (error) {
        if (isErrno(error, 'ENOENT')) return false
        throw error
      }
    },

    async commit(draft, meta) {
      await mkdir(layout.layers, { recursive: true, mode: 0o700 })
      const file = `${draft}/${layerParts.meta}`
      await writeFile(file, `${JSON.stringify(meta, undefined, 1)}\n`, { mode: 0o600 })
      for (let digits = 6; ; digits += 6) {
        const name = layerName(meta.preKey, meta.key, digits)
        if (await renamed(draft, layout.layer(name))) return { name, meta }
        const there = await read(name)
        // Names are short, so that another result of the same step may have this one.
        if (there !== undefined && there.meta.key !== meta.key) continue
        await removeTree(there === undefined ? layout.layer(name) : draft)
        if (there !== undefined) return there
        await rename(draft, layout.layer(name))
        return { name, meta }
      }
    },

    async remove(name) {
      await removeTree(layout.layer(name))
    },
  }
}

/** @returns false when something has that name already */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOTEMPTY') || isErrno(error, 'EEXIST')) return false
    throw error
  }
}
