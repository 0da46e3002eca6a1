import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../lib/errors.ts'
import { DEFAULT_SECTION, parseIni } from '../lib/ini.ts'
import { stateDirectory } from '../lib/state-dir.ts'

/** Where this machine's services keep what exists. */
export interface RegistryLocation {
  readonly stateDir: string
  /** Directory of the image store. */
  readonly images: string
  /** The infrastructure database. Secret: it may hold a password. */
  readonly databaseUrl: string
}

/** The infrastructure database when no file names another: one file of the state directory. */
export function defaultDatabaseUrl(stateDir: string): string {
  return `sqlite://${join(stateDir, 'trove.sqlite')}`
}

/**
 * The places that the services on this machine use, for programs that register without them: the same files and the same
 * option (`[database] connection`) decide.
 */
export async function registryLocation(
  env: Readonly<Record<string, string | undefined>>,
): Promise<RegistryLocation> {
  const stateDir = stateDirectory(env)
  let databaseUrl = defaultDatabaseUrl(stateDir)
  for (const file of ['/etc/trove/trove.conf', join(stateDir, 'trove.conf')]) {
    databaseUrl = (await connectionOf(file)) ?? databaseUrl
  }
  return { stateDir, images: join(stateDir, 'images'), databaseUrl }
}

async function connectionOf(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return ''
    throw error
  })
  const sections = parseIni(text, file)
  // The older spelling first: the newer one wins where a file has both (Trove contract §7.2).
  const values = [
    ...(sections.get(DEFAULT_SECTION)?.get('sql_connection') ?? []),
    ...(sections.get('database')?.get('connection') ?? []),
  ]
  return values.at(-1)
}
