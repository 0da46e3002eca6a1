import { configError } from '../errors.ts'
import { parseSize } from '../size.ts'
import type { Plugin } from './types.ts'
import { requiredText, textValue } from './values.ts'

/** `local_loop`: a disk image file (DIB contract §4.3). */
export const localLoop: Plugin = (values, context) => {
  const name = requiredText(values, 'name', "Local loop config needs 'name'")
  if (!/^[A-Za-z0-9_.-]+$/.test(name) || name.startsWith('.')) {
    throw configError(`The image name [${name}] cannot be a file name`)
  }
  const size = textValue(values, 'size')
  const sectorSize = Number(textValue(values, 'block_size') ?? context.params.blockSize ?? 512)
  if (sectorSize !== 512 && sectorSize !== 4096) {
    throw configError(
      `The block size of ${name} is ${sectorSize}, but disks have 512 or 4096 bytes in a sector`,
    )
  }
  return [
    {
      kind: 'image',
      name,
      sizeBytes: size === undefined ? undefined : parseSize(size),
      directory: textValue(values, 'directory'),
      sectorSize,
      uuid: context.identify(`disk ${name}`),
    },
  ]
}
