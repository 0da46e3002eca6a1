import { configError } from '../errors.ts'
import type { Plugin } from './types.ts'
import { countValue, requiredText, textValue } from './values.ts'

/** `fstab`: the line a mount gets in /etc/fstab (DIB contract §4.3). */
export const fstab: Plugin = (values) => {
  const options = textValue(values, 'options')
  if (options !== undefined && /\s/.test(options)) {
    throw configError(`The fstab options [${options}] hold white space`, { hint: 'Separate them by commas.' })
  }
  return [
    {
      kind: 'fstab',
      name: requiredText(values, 'name', "Fstab config needs 'name'"),
      base: requiredText(values, 'base', "Fstab config needs 'base'"),
      options,
      dumpFreq: countValue(values, 'dump-freq', 0),
      fsckPassNo: countValue(values, 'fsck-passno', 2),
    },
  ]
}
