import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { closest } from '../../lib/closest.ts'
import { CofferError } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import { findProgram } from '../../lib/find-program.ts'
import { dockerTargetMissing } from './formats/docker.ts'
import { knownOptions } from './formats/qemu-img.ts'
import { formatOf, outputFormats } from './formats.ts'

/** Options of {@link checkTools}. */
export interface CheckOptions {
  readonly dockerTarget?: string
  /** Checks the directory to write into as well. */
  readonly imageName?: string
  /** Default: this process's own. */
  readonly env?: Environment
}

/**
 * Refuses outputs that could not be made, before any work, in the order of the list and with DIB's texts (DIB contract
 * §3.1). Unlike DIB it checks every format, also those left to qemu-img.
 *
 * @throws CofferError `TOOL_MISSING`, `DOCKER_TARGET_MISSING`, `OUTPUT_TYPE_UNKNOWN`, `OUTPUT_DIRECTORY_MISSING`
 */
export async function checkTools(types: readonly string[], options: CheckOptions = {}): Promise<void> {
  const env = options.env ?? process.env
  for (const type of types) {
    for (const tool of formatOf(type).tools(env)) {
      if ((await findProgram(tool.program, env.PATH)) !== undefined) continue
      throw new CofferError('TOOL_MISSING', `${type} output format specified but ${tool.complaint}`, {
        hint: `On Debian: apt-get install ${tool.package}`,
      })
    }
    if (type === 'docker' && (options.dockerTarget ?? '') === '') throw dockerTargetMissing()
    if (!outputFormats.has(type) && (await knownOptions(type)) === undefined) throw unknownType(type)
  }
  if (options.imageName !== undefined) await checkDirectory(dirname(options.imageName))
}

function unknownType(type: string): CofferError {
  const near = closest(type, outputFormats.keys())
  const hint =
    near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `Known: ${[...outputFormats.keys()].join(', ')}.`
  return new CofferError(
    'OUTPUT_TYPE_UNKNOWN',
    `-t ${type}: no output format has this name, and qemu-img cannot write it`,
    {
      hint,
    },
  )
}

async function checkDirectory(directory: string): Promise<void> {
  try {
    await access(directory, constants.W_OK | constants.X_OK)
    if ((await stat(directory)).isDirectory()) return
  } catch {
    // Reported below.
  }
  throw new CofferError('OUTPUT_DIRECTORY_MISSING', `The image cannot be written into ${directory}`, {
    hint: 'Create the directory, or choose another place with -o.',
  })
}
