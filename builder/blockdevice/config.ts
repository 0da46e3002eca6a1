import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { YAMLParseError } from 'yaml'
import { CofferError, isErrno } from '../../lib/errors.ts'
import { entryValues } from './entry-values.ts'
import { configError } from './errors.ts'
import { pythonText } from './python-text.ts'
import { type ConfigEntry, isMapping, isPluginName, PLUGIN_NAMES } from './types.ts'
import { readDibYaml } from './yaml.ts'

export { flatten } from './flatten.ts'

/** What {@link chooseConfig} looks at. */
export interface ConfigSearch {
  /** The environment: `DIB_BLOCK_DEVICE_CONFIG` wins over every element. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The expanded elements, in the order to search. */
  readonly elements: readonly { readonly name: string; readonly path: string }[]
  /** `ARCH`. */
  readonly arch: string
}

/** A block device configuration and where it came from, for people. */
export interface ChosenConfig {
  readonly yaml: string
  readonly source: string
}

/** One file system on the whole disk, no partition table (DIB contract §4.1, rule 3). */
const FALLBACK = `- local_loop:
    name: image0
    mkfs:
      name: mkfs_root
      mount:
        mount_point: /
        fstab:
          options: defaults
          fsck-passno: 1
`

const FILE_SCHEME = 'file://'

/**
 * Chooses the block device configuration: `DIB_BLOCK_DEVICE_CONFIG` (YAML text, or `file://` and a path), else the
 * first element with `block-device-<arch>.yaml` or `block-device-default.yaml`, else a file system without a partition
 * table (DIB contract §4.1). DIB searches the elements in no fixed order; we take the given one.
 *
 * @throws CofferError `BLOCK_DEVICE_CONFIG_UNREADABLE` when the named file cannot be read.
 */
export async function chooseConfig(search: ConfigSearch): Promise<ChosenConfig> {
  const given = search.env.DIB_BLOCK_DEVICE_CONFIG ?? ''
  if (given.startsWith(FILE_SCHEME)) {
    return { yaml: await readNamedFile(given.slice(FILE_SCHEME.length)), source: given }
  }
  if (given !== '') return { yaml: given, source: 'DIB_BLOCK_DEVICE_CONFIG' }
  const arch = search.arch === 'ppc64le' ? 'ppc64el' : search.arch
  for (const element of search.elements) {
    for (const name of [`block-device-${arch}.yaml`, 'block-device-default.yaml']) {
      const path = join(element.path, name)
      const yaml = await readIfPresent(path)
      if (yaml !== undefined) return { yaml, source: path }
    }
  }
  return { yaml: FALLBACK, source: 'the built-in default: one file system, no partition table' }
}

/**
 * Reads a configuration: a list of mappings with one plugin key each.
 *
 * The text is read as YAML 1.1, as DIB does, so that `yes` and `0x10` mean the same to both.
 *
 * @throws CofferError `BLOCK_DEVICE_CONFIG_YAML` for text that is not YAML (with line and column),
 *   `BLOCK_DEVICE_CONFIG_INVALID` with DIB's messages (contract §4.1) for anything else.
 */
export function parseConfig(yamlText: string): ConfigEntry[] {
  const document = readYaml(yamlText)
  if (!Array.isArray(document)) {
    throw configError(`A block device configuration is a list of entries, not: ${pythonText(document)}`, {
      hint: `Start each entry with "- " and one of: ${PLUGIN_NAMES.join(', ')}.`,
    })
  }
  return document.map(parseEntry)
}

function parseEntry(entry: unknown): ConfigEntry {
  if (!isMapping(entry)) throw configError(`Config entry not a dict: ${pythonText(entry)}`)
  const keys = Object.keys(entry)
  const [plugin] = keys
  if (plugin === undefined || keys.length !== 1) {
    throw configError(`Config entry top-level should be a single dict: ${pythonText(entry)}`)
  }
  if (!isPluginName(plugin)) {
    throw configError(`Config entry is not a plugin value: ${pythonText(entry)}`, {
      hint: `The plugins are: ${PLUGIN_NAMES.join(', ')}.`,
    })
  }
  return { plugin, values: entryValues(plugin, entry[plugin]) }
}

function readYaml(text: string): unknown {
  try {
    return readDibYaml(text)
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    const [position] = error.linePos ?? []
    const where = position === undefined ? '' : ` at line ${position.line}, column ${position.col}`
    const reason = (error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '')
    throw new CofferError(
      'BLOCK_DEVICE_CONFIG_YAML',
      `The block device configuration is not valid YAML${where}: ${reason}`,
      {
        hint: 'It comes from DIB_BLOCK_DEVICE_CONFIG, or else from a block-device-*.yaml of an element.',
        cause: error,
      },
    )
  }
}

async function readNamedFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const reason = isErrno(error) ? error.code : String(error)
    throw new CofferError(
      'BLOCK_DEVICE_CONFIG_UNREADABLE',
      `The block device configuration ${path} cannot be read: ${reason}`,
      {
        hint: 'DIB_BLOCK_DEVICE_CONFIG names it: give file:// and an absolute path, or the YAML text itself.',
      },
    )
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined
    throw error
  }
}
