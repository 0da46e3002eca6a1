import type { Argv } from '../../lib/exec.ts'
import { isExt } from './file-mode.ts'
import type { FileSystemLayout } from './layout-types.ts'
import { isFat } from './plugins/mkfs.ts'

/** The command line that makes a file system on a device: DIB's, word for word (contract §4.3). */
export function mkfsArgv(fileSystem: FileSystemLayout, device: string): Argv {
  const { type, label, uuid, options } = fileSystem
  if (type === 'swap') return ['mkswap', ...options, '-L', label, '-U', uuid, device]
  const identity = isExt(type) ? ['-U', uuid] : type === 'xfs' ? ['-m', `uuid=${uuid}`] : []
  const quiet = isExt(type) || type === 'xfs' ? ['-q'] : []
  return ['mkfs', '-t', type, ...options, isFat(type) ? '-n' : '-L', label, ...identity, ...quiet, device]
}
