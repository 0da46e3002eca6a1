import { configError } from '../errors.ts'
import type { LogicalVolumeNode, PhysicalVolumeNode, VolumeGroupNode } from '../nodes.ts'
import { pythonText } from '../python-text.ts'
import { parseSize } from '../size.ts'
import { type EntryValues, isMapping } from '../types.ts'
import type { Plugin } from './types.ts'
import { requiredText, textValue, wordList } from './values.ts'

/** LVM's default extent: sizes are rounded down to it (DIB contract §4.3). */
const EXTENT_BYTES = 4 * 1024 * 1024

/** `lvm`: physical volumes, volume groups and logical volumes, made in one go (DIB contract §4.3). */
export const lvm: Plugin = (values) => {
  const name = requiredText(values, 'name', "Lvm config requires 'name'")
  const pvs = items(values, 'pvs', "Lvm config requires a 'pvs'").map(physicalVolume)
  const vgItems = items(values, 'vgs', "Lvm config needs 'vgs'")
  const lvItems = items(values, 'lvs', "Lvm config needs 'lvs'")
  const vgs = vgItems.map((item) => volumeGroup(item, pvs))
  const lvs = lvItems.map((item) => logicalVolume(item, vgs))
  return [...pvs, ...vgs, ...lvs, { kind: 'lvm', name, pvs, vgs, lvs }]
}

function items(values: EntryValues, key: string, missing: string): EntryValues[] {
  const list = values[key]
  if (list === undefined || list === null) throw configError(missing)
  if (!Array.isArray(list)) throw configError(`The value of '${key}' is not a list: ${pythonText(list)}`)
  return list.map((item: unknown) => {
    if (!isMapping(item)) throw configError(`An item of '${key}' is not a dict: ${pythonText(item)}`)
    return item
  })
}

function physicalVolume(item: EntryValues): PhysicalVolumeNode {
  return {
    kind: 'pv',
    name: requiredText(item, 'name', "Missing 'name' in pvs config"),
    base: requiredText(item, 'base', "Missing 'base' in pvs_config"),
    options: wordList(item, 'options'),
  }
}

function volumeGroup(item: EntryValues, pvs: readonly PhysicalVolumeNode[]): VolumeGroupNode {
  const name = requiredText(item, 'name', "Missing 'name' in vgs config")
  if (!('base' in item)) throw configError("Missing 'base' in vgs config")
  const base = wordList(item, 'base')
  for (const pv of base) {
    if (!pvs.some((known) => known.name === pv)) {
      throw configError(`base:${pv} in vgs does not match a valid pvs`)
    }
  }
  return { kind: 'vg', name, base, options: wordList(item, 'options') }
}

function logicalVolume(item: EntryValues, vgs: readonly VolumeGroupNode[]): LogicalVolumeNode {
  const name = requiredText(item, 'name', "Missing 'name' in lvs config")
  const base = requiredText(item, 'base', "Missing 'base' in lvs config")
  const size = textValue(item, 'size')
  const extents = textValue(item, 'extents')
  if (size === undefined && extents === undefined) {
    throw configError("Missing 'size' or 'extents' in lvs config")
  }
  if (!vgs.some((known) => known.name === base)) {
    throw configError(`base:${base} in lvs does not match a valid vg`)
  }
  const type = textValue(item, 'type')
  if (type !== undefined && type !== 'thin' && type !== 'thin-pool') {
    throw configError(`Unsupported type:${type} in lvs config`, { hint: 'The types are thin and thin-pool.' })
  }
  return {
    kind: 'lv',
    name,
    base,
    sizeBytes: size === undefined ? undefined : Math.floor(parseSize(size) / EXTENT_BYTES) * EXTENT_BYTES,
    extents,
    options: wordList(item, 'options'),
    type,
    thinPool: textValue(item, 'thin-pool'),
  }
}
