import { configError } from '../errors.ts'
import type { Plugin } from './types.ts'
import { requiredText } from './values.ts'

/** `mount`: where a file system belongs in the tree (DIB contract §4.3). */
export const mount: Plugin = (values, context) => {
  const base = requiredText(values, 'base', 'MountPoint config needs [base]')
  const mountPoint = requiredText(values, 'mount_point', 'MountPoint config needs [mount_point]')
  const name = requiredText(values, 'name', 'MountPoint config needs [name]')
  if (context.mountPoints.has(mountPoint)) {
    throw configError(`Mount point [${mountPoint}] specified more than once`)
  }
  if (mountPoint.split('/').includes('..') || /[\s|]/.test(mountPoint)) {
    throw configError(`Mount point [${mountPoint}] is not a plain path inside the image`)
  }
  context.mountPoints.add(mountPoint)
  return [{ kind: 'mount', name, base, mountPoint }]
}
