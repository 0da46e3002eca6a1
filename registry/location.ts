import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError, isErrno } from '../lib/errors.ts'
import { DEFAULT_SECTION, type Ini, iniBoolean, iniList, parseIni, substitute } from '../lib/ini.ts'
import { stateDirectory } from '../lib/state-dir.ts'
import type { ImagePolicy } from './images/policy.ts'

/** Where this machine's services keep what exists. */
export interface RegistryLocation {
  readonly stateDir: string
  /** Directory of the image store. */
  readonly images: string
  /** The infrastructure database. Secret: it may hold a password. */
  readonly databaseUrl: string
  /** Which images may be registered. */
  readonly policy: ImagePolicy
}

/** The infrastructure database when no file names another: one file of the state directory. */
export function defaultDatabaseUrl(stateDir: string): string {
  return `sqlite://${join(stateDir, 'trove.sqlite')}`
}

/** Public keys of those whose images are trusted, when no file names others. */
export const TRUSTED_IMAGE_KEYS: readonly string[] = ['/etc/trove/image-keys']

/**
 * The places that the services on this machine use, for programs that register without them: the same files and the same
 * options (`[database] connection`, `[coffer] require_signed_images` and `trusted_image_keys`) decide.
 *
 * @throws CofferError INI_BROKEN, SETTING_INVALID
 */
export async function registryLocation(
  env: Readonly<Record<string, string | undefined>>,
): Promise<RegistryLocation> {
  const stateDir = stateDirectory(env)
  const files = await Promise.all(['/etc/trove/trove.conf', join(stateDir, 'trove.conf')].map(readIni))
  const last = (section: string, name: string) =>
    files.map((ini) => ini.get(section)?.get(name)?.at(-1)).findLast((value) => value !== undefined)
  const filled = (section: string, name: string) => {
    const value = last(section, name)
    return value === undefined ? undefined : substitute(value, (other, of = section) => last(of, other))
  }
  const keys = filled('coffer', 'trusted_image_keys')
  return {
    stateDir,
    images: join(stateDir, 'images'),
    databaseUrl: files.map(connectionOf).findLast((url) => url !== undefined) ?? defaultDatabaseUrl(stateDir),
    policy: {
      requireSigned: booleanOf('require_signed_images', filled('coffer', 'require_signed_images') ?? 'no'),
      trustedKeys: keys === undefined ? TRUSTED_IMAGE_KEYS : iniList(keys),
    },
  }
}

async function readIni(file: string): Promise<Ini> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return ''
    throw error
  })
  return parseIni(text, file)
}

function connectionOf(sections: Ini): string | undefined {
  // The older spelling first: the newer one wins where a file has both (Trove contract §7.2).
  const values = [
    ...(sections.get(DEFAULT_SECTION)?.get('sql_connection') ?? []),
    ...(sections.get('database')?.get('connection') ?? []),
  ]
  return values.at(-1)
}

/** What protects nobody when it is misspelt has to be an error. */
function booleanOf(name: string, text: string): boolean {
  const value = iniBoolean(text)
  if (value !== undefined) return value
  throw new CofferError(
    'SETTING_INVALID',
    `Option ${name} of trove.conf is '${text}', but it must be true or false`,
    {
      hint: 'docs/reference/settings.md has the type and the meaning of each option.',
    },
  )
}
