import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../lib/errors.ts'
import type { ConfigEntry, EntryValues } from './types.ts'
import { isPluginName } from './types.ts'

/** What exists after `create`, in the shape of DIB's state.json (contract §3.4). */
export interface BlockDeviceState {
  /** Images and partitions by name, in the order of creating. */
  readonly blockdev: Readonly<Record<string, { readonly device: string; readonly image?: string }>>
  readonly filesys: Readonly<
    Record<
      string,
      {
        readonly uuid: string
        readonly label: string
        readonly fstype: string
        readonly opts: readonly string[]
        readonly device: string
      }
    >
  >
  readonly mount: Readonly<
    Record<string, { readonly name: string; readonly base: string; readonly path: string }>
  >
  readonly mount_order: readonly string[]
}

/** The state directory of a build: `<build-dir>/states/block-device` (DIB contract §3.4). */
export function stateDirectory(buildDir: string): string {
  return join(buildDir, 'states', 'block-device')
}

/** Writes the flattened configuration as DIB does: config.json, a list of single-key mappings. */
export async function saveConfig(directory: string, flat: readonly ConfigEntry[]): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(
    join(directory, 'config.json'),
    JSON.stringify(flat.map((entry) => ({ [entry.plugin]: entry.values }))),
  )
}

/** Reads config.json; undefined before `init`. */
export async function loadConfig(directory: string): Promise<ConfigEntry[] | undefined> {
  const list = await readJson<Record<string, EntryValues>[]>(join(directory, 'config.json'))
  return list?.flatMap((entry) =>
    Object.entries(entry).flatMap(([plugin, values]) => (isPluginName(plugin) ? [{ plugin, values }] : [])),
  )
}

/** Writes a JSON file of the state directory. */
export async function saveJson(directory: string, name: string, value: unknown): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, name), JSON.stringify(value))
}

/** Reads a JSON file; undefined when there is none. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
