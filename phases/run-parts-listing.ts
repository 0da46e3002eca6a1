import { access, constants, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../lib/errors.ts'
import {
  compareBytes,
  isEnvironmentFileName,
  isScriptName,
  sortEnvironmentFiles,
  sortScripts,
} from './order.ts'
import { statFollowed } from './stat-followed.ts'

/** The files of one phase directory, by what becomes of them. */
export interface ScriptListing {
  /** In the order in which they run. */
  readonly run: string[]
  /** Skipped: not executable, whatever the name. */
  readonly notExecutable: string[]
  /** Skipped: executable, but with a name that does not run. */
  readonly notConforming: string[]
}

/**
 * What a phase directory would run: entries that are regular files after following links, are executable for this
 * user, and have a name that runs (DIB contract §1.4).
 *
 * @throws the error of the operating system when the directory cannot be read, CofferError `RUN_PARTS_REGEX_INVALID`
 */
export async function listScripts(
  directory: string,
  options: { readonly regex?: string | undefined } = {},
): Promise<ScriptListing> {
  const executable: string[] = []
  const notExecutable: string[] = []
  for (const name of await regularFiles(directory)) {
    const list = (await isExecutable(join(directory, name))) ? executable : notExecutable
    list.push(name)
  }
  const conforms = (name: string) => isScriptName(name, options.regex)
  return {
    run: sortScripts(executable.filter(conforms)),
    notExecutable,
    notConforming: executable.filter((name) => !conforms(name)),
  }
}

/**
 * The files of an environment.d directory in the order in which they are sourced; the executable bit plays no part.
 * A missing directory has none: it comes to be only after root.d (DIB contract §1.1 step 13).
 */
export async function listEnvironmentFiles(directory: string): Promise<string[]> {
  try {
    return sortEnvironmentFiles((await regularFiles(directory)).filter(isEnvironmentFileName))
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}

async function regularFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory)
  const regular = await Promise.all(
    names.map(async (name) => (await statFollowed(join(directory, name)))?.isFile() === true),
  )
  return names.filter((_, index) => regular[index]).sort(compareBytes)
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
