import { configError } from '../errors.ts'
import type { PartitionNode, TableSpec } from '../nodes.ts'
import { pythonText } from '../python-text.ts'
import { MIB, parseSize } from '../size.ts'
import { type EntryValues, isMapping } from '../types.ts'
import type { Plugin, PluginContext } from './types.ts'
import { requiredText, textValue } from './values.ts'

const DEFAULT_MBR_TYPE = '83'
const DEFAULT_GPT_TYPE = '8300'

/** `partitioning`: a partition table and its partitions, which are chained in the listed order (DIB contract §4.3). */
export const partitioning: Plugin = (values, context) => {
  const base = requiredText(values, 'base', "Partitioning config needs 'base'")
  if (!Array.isArray(values.partitions)) throw configError("Partitioning config needs 'partitions'")
  const label = requiredText(values, 'label', "Partitioning config needs 'label'")
  if (label !== 'mbr' && label !== 'gpt') throw configError("Label must be 'mbr' or 'gpt'")
  const align = textValue(values, 'align')
  const alignBytes = align === undefined ? MIB : parseSize(align)
  if (alignBytes <= 0 || alignBytes % 4096 !== 0) {
    throw configError(`Partitions cannot be aligned to ${align}: it is not a multiple of 4096 bytes`)
  }
  const table: TableSpec = {
    name: requiredText(values, 'name', "Partitioning config needs 'name'"),
    base,
    label,
    alignBytes,
  }
  let previous: string | undefined
  return values.partitions.map((item: unknown) => {
    if (!isMapping(item)) throw configError(`A partition needs a 'name': ${pythonText(item)}`)
    const node = partition(item, table, previous, context)
    previous = node.name
    return node
  })
}

function partition(
  values: EntryValues,
  table: TableSpec,
  previous: string | undefined,
  context: PluginContext,
): PartitionNode {
  const name = requiredText(values, 'name', `A partition needs a 'name': ${pythonText(values)}`)
  const flags = flagsOf(values)
  if (table.label === 'gpt' && flags.has('primary')) {
    throw configError('Primary flag not supported for GPT partitions')
  }
  const given = textValue(values, 'type')
  return {
    kind: 'partition',
    name,
    base: table.base,
    table,
    size: requiredText(values, 'size', `No size in partition ${name}`),
    type: given ?? (table.label === 'gpt' ? DEFAULT_GPT_TYPE : DEFAULT_MBR_TYPE),
    // On GPT there is no such flag: DIB takes it and ignores it.
    bootable: table.label === 'mbr' && flags.has('boot'),
    primary: flags.has('primary'),
    previous,
    uuid: context.identify(`partition ${name}`),
  }
}

function flagsOf(values: EntryValues): Set<string> {
  const flags = values.flags ?? []
  if (!Array.isArray(flags)) throw configError(`The value of 'flags' is not a list: ${pythonText(flags)}`)
  for (const flag of flags) {
    if (flag !== 'boot' && flag !== 'primary') throw configError(`Unknown flag: ${pythonText(flag)}`)
  }
  return new Set(flags as string[])
}
