import { readFile } from 'node:fs/promises'
import { CofferError } from '../../lib/errors.ts'
import { type BlockDeviceParams, isMapping } from './types.ts'
import { readDibYaml } from './yaml.ts'

/** DIB's params.yaml (contract §3.4): what one build tells the block device layer. */
export interface ParamsFile extends BlockDeviceParams {
  /** Path of the block device configuration. */
  readonly config: string
  readonly imageDir: string
  readonly mountBase: string
  readonly buildDir: string
  /** A size such as `262144KiB`; missing until the tree has been measured. */
  readonly imageSize: string | undefined
}

/**
 * Reads params.yaml. An empty value counts as not given.
 *
 * @throws CofferError `BLOCK_DEVICE_PARAMS_UNREADABLE`
 */
export async function readParamsFile(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ParamsFile> {
  const values = await readMapping(path)
  const text = (key: string): string | undefined => {
    const value = values[key]
    return value === undefined || value === null || value === '' ? undefined : String(value)
  }
  const required = (key: string): string => {
    const value = text(key)
    if (value === undefined) throw unreadable(path, `it has no '${key}'`)
    return value
  }
  return {
    config: required('config'),
    imageDir: required('image-dir'),
    mountBase: required('mount-base'),
    buildDir: required('build-dir'),
    imageSize: text('image-size'),
    rootFsType: text('root-fs-type'),
    rootFsOpts: text('root-fs-opts'),
    rootLabel: text('root-label'),
    blockSize: env.DIB_BLOCK_SIZE ? Number(env.DIB_BLOCK_SIZE) : undefined,
  }
}

async function readMapping(path: string): Promise<Record<string, unknown>> {
  let values: unknown
  try {
    values = readDibYaml(await readFile(path, 'utf8'))
  } catch (error) {
    throw unreadable(path, error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error))
  }
  if (!isMapping(values)) throw unreadable(path, 'it is not a list of "key: value" lines')
  return values
}

function unreadable(path: string, reason: string): CofferError {
  return new CofferError(
    'BLOCK_DEVICE_PARAMS_UNREADABLE',
    `Failed to open parameter YAML ${path}: ${reason}`,
    { hint: 'A build writes this file and names it in DIB_BLOCK_DEVICE_PARAMS_YAML.' },
  )
}
