import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError, isErrno } from '../../lib/errors.ts'
import { type Ini, parseIni } from '../../lib/ini.ts'

export interface SettingsFile {
  readonly path: string
  readonly ini: Ini
}

/** Which files a command line asks for. */
export interface FileArguments {
  readonly files: readonly string[]
  readonly directories: readonly string[]
}

/** `--config-file PATH` and `--config-dir PATH`, repeated, also with `=`. All other words are somebody else's. */
export function fileArguments(argv: readonly string[]): FileArguments {
  const values = (name: string) =>
    argv.flatMap((word, at) => {
      if (word.startsWith(`${name}=`)) return [word.slice(name.length + 1)]
      const next = argv[at + 1]
      return word === name && next !== undefined ? [next] : []
    })
  return { files: values('--config-file'), directories: values('--config-dir') }
}

/**
 * Reads configuration files, later ones winning: the files in order, then each directory's `*.conf` by name (contract §7.1).
 *
 * @param defaults read when no file is asked for; those that do not exist count as empty
 * @throws CofferError SETTINGS_FILE_UNREADABLE, INI_BROKEN
 */
export async function readFiles(
  { files, directories }: FileArguments,
  defaults: readonly string[],
): Promise<readonly SettingsFile[]> {
  const inDirectories = await Promise.all(directories.map(filesOf))
  const found = await Promise.all([
    ...(files.length > 0 ? [] : defaults).map((path) => readOne(path, true)),
    ...[...files, ...inDirectories.flat()].map((path) => readOne(path, false)),
  ])
  return found.filter((file) => file !== undefined)
}

async function filesOf(directory: string): Promise<readonly string[]> {
  try {
    const names = await readdir(directory)
    return names
      .filter((name) => name.endsWith('.conf'))
      .sort()
      .map((name) => join(directory, name))
  } catch (error) {
    throw unreadable(directory, error)
  }
}

async function readOne(path: string, optional: boolean): Promise<SettingsFile | undefined> {
  try {
    return { path, ini: parseIni(await readFile(path, 'utf8'), path) }
  } catch (error) {
    if (optional && isErrno(error, 'ENOENT')) return undefined
    if (isErrno(error)) throw unreadable(path, error)
    throw error
  }
}

function unreadable(path: string, error: unknown): CofferError {
  const reason = error instanceof Error ? error.message : String(error)
  return new CofferError('SETTINGS_FILE_UNREADABLE', `The settings in ${path} cannot be read: ${reason}`, {
    hint: 'Check the path and its permissions.',
    cause: error,
  })
}
