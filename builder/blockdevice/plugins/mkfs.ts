import { configError } from '../errors.ts'
import type { Plugin } from './types.ts'
import { requiredText, textValue, wordList } from './values.ts'

/** The longest label in characters (DIB contract §4.3). Other types are not checked. */
const LABEL_LENGTHS: Readonly<Record<string, number>> = {
  ext2: 16,
  ext3: 16,
  ext4: 16,
  xfs: 12,
  vfat: 11,
  swap: 16,
}

/** `mkfs`: a file system, or swap space (DIB contract §4.3). Its label defaults to its name. */
export const mkfs: Plugin = (values, context) => {
  const base = requiredText(values, 'base', 'Mkfs config needs [base]')
  const type = requiredText(values, 'type', 'Mkfs config needs [type]')
  if (!/^[a-z][a-z0-9_-]*$/.test(type)) throw configError(`The file system type [${type}] is not a name`)
  const name = requiredText(values, 'name', 'Mkfs config needs [name]')
  const label = fileSystemLabel(type, textValue(values, 'label') ?? name)
  if (context.labels.has(label)) throw configError(`File system label [${label}] used more than once`)
  context.labels.add(label)
  const most = LABEL_LENGTHS[type]
  if (most !== undefined && label.length > most) {
    throw configError(`Label [${label}] too long for filesystem [${type}]: ${label.length} > ${most}`)
  }
  if (/\p{Cc}/u.test(label)) throw configError(`Label [${label}] holds a control character`)
  const uuid = textValue(values, 'uuid') ?? context.identify(`filesystem ${name}`)
  return [{ kind: 'filesystem', name, base, type, label, options: wordList(values, 'opts'), uuid }]
}

/** FAT labels are upper case: fstab finds the file system by what is really written. */
export function fileSystemLabel(type: string, label: string): string {
  return isFat(type) ? label.toUpperCase() : label
}

/** True for the types that mkfs.fat makes. */
export function isFat(type: string): boolean {
  return type === 'vfat' || type === 'fat'
}
