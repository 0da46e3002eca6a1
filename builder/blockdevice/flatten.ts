import { entryValues } from './entry-values.ts'
import { configError } from './errors.ts'
import { pythonText } from './python-text.ts'
import { type BlockDeviceParams, type ConfigEntry, isMapping, isPluginName } from './types.ts'

/** DIB's name of the one entry that receives the root file system's parameters (contract §4.2). */
const ROOT_MKFS = 'mkfs_root'
const ROOT_LABEL = 'cloudimg-rootfs'
/** The usual label is longer than xfs allows. */
const XFS_ROOT_LABEL = 'img-rootfs'

/**
 * Turns the tree of nested entries into a flat list in which every entry has a name and says what it stands on
 * (`base`), then gives `mkfs_root` its type, options and label (DIB contract §4.2). Children come before their parent.
 *
 * @throws CofferError `BLOCK_DEVICE_CONFIG_INVALID`
 */
export function flatten(entries: readonly ConfigEntry[], params: BlockDeviceParams): ConfigEntry[] {
  return entries.flatMap((entry) => flattenEntry(entry, undefined)).map((entry) => withRoot(entry, params))
}

function flattenEntry(entry: ConfigEntry, parent: string | undefined): ConfigEntry[] {
  const { plugin, values } = entry
  const own: Record<string, unknown> = {}
  const children: ConfigEntry[] = []
  if ('base' in values) own.base = values.base
  else if (parent !== undefined) own.base = parent
  own.name = 'name' in values ? values.name : derivedName(plugin, own.base, values)
  for (const [key, value] of Object.entries(values)) {
    if (key === 'partitions') own.partitions = flattenPartitions(value, own.base, children)
    else if (isPluginName(key)) {
      children.push(...flattenEntry({ plugin: key, values: entryValues(key, value) }, pythonText(own.name)))
    } else own[key] = value
  }
  return [...children, { plugin, values: own }]
}

function derivedName(plugin: string, base: unknown, values: unknown): string {
  if (base === undefined) {
    throw configError(`The ${plugin} entry has neither 'name' nor 'base': ${pythonText(values)}`)
  }
  return `${plugin}_${pythonText(base)}`
}

/** Partitions stay inside their table. What is nested in one stands on the partition. */
function flattenPartitions(list: unknown, base: unknown, children: ConfigEntry[]): unknown[] {
  if (!Array.isArray(list)) {
    throw configError(`The value of 'partitions' is not a list: ${pythonText(list)}`)
  }
  return list.map((item: unknown) => {
    if (!isMapping(item) || typeof item.name !== 'string') {
      throw configError(`A partition needs a 'name': ${pythonText(item)}`)
    }
    const own: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(item)) {
      if (isPluginName(key)) {
        children.push(...flattenEntry({ plugin: key, values: entryValues(key, value) }, item.name))
      } else own[key] = value
    }
    own.base = base
    return own
  })
}

function withRoot(entry: ConfigEntry, params: BlockDeviceParams): ConfigEntry {
  if (entry.plugin !== 'mkfs' || entry.values.name !== ROOT_MKFS) return entry
  const values: Record<string, unknown> = { ...entry.values }
  if (!('type' in values) && params.rootFsType !== undefined) values.type = params.rootFsType
  if (!('opts' in values) && params.rootFsOpts !== undefined) values.opts = params.rootFsOpts
  if (!('label' in values)) values.label = params.rootLabel || defaultLabel(values.type)
  return { plugin: entry.plugin, values }
}

function defaultLabel(type: unknown): string {
  return type === 'xfs' ? XFS_ROOT_LABEL : ROOT_LABEL
}
