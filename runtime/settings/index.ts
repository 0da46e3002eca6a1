import { join } from 'node:path'
import { stateDirectory } from '../../lib/state-dir.ts'
import { datastoreOptions, MANAGERS } from './datastore-options.ts'
import { fileArguments, readFiles } from './files.ts'
import { type Lookup, lookupIn } from './lookup.ts'
import type { Option } from './option.ts'
import { options, qemuOptions } from './options.ts'
import { transportUrl } from './transport-url.ts'
import type { DatastoreSettings, Settings } from './types.ts'

export interface LoadSettings {
  /** Words of a command line; only `--config-file` and `--config-dir` are read. */
  readonly argv?: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** More configuration files, before those of the command line. */
  readonly files?: readonly string[]
  /** What the command line set by options of its own: wins over every file. */
  readonly overrides?: Partial<Settings>
}

/**
 * Reads the settings: defaults, then files, then overrides. Without `--config-file` the files are /etc/trove/trove.conf and
 * the state directory's trove.conf (contract §7.1). Unknown options are ignored; all known ones are checked here, so that a
 * service does not start on a bad file.
 *
 * @throws CofferError SETTING_INVALID, INI_BROKEN, SETTINGS_FILE_UNREADABLE
 */
export async function loadSettings({
  argv = [],
  env,
  files = [],
  overrides = {},
}: LoadSettings): Promise<Settings> {
  const stateDir = overrides.stateDir ?? stateDirectory(env)
  const asked = fileArguments(argv)
  const found = await readFiles({ ...asked, files: [...files, ...asked.files] }, [
    '/etc/trove/trove.conf',
    join(stateDir, 'trove.conf'),
  ])
  const lookup = lookupIn(found, allOptions())
  const plain = valuesOf(options, lookup)
  const datastores = new Map<string, DatastoreSettings>(
    MANAGERS.map((manager) => [manager, valuesOf(datastoreOptions(manager), lookup)]),
  )
  return {
    ...plain,
    stateDir,
    databaseUrl: plain.databaseUrl === '' ? `sqlite://${join(stateDir, 'trove.sqlite')}` : plain.databaseUrl,
    transportUrl: transportUrl(plain.transportUrl, lookup),
    qemu: valuesOf(qemuOptions, lookup),
    datastore: (manager) => datastores.get(manager) ?? unknownManager(manager),
    ...overrides,
  }
}

/** Every option there is: the plain ones, [qemu], and each manager's section. */
export function allOptions(): readonly Option<unknown>[] {
  const tables = [options, qemuOptions, ...MANAGERS.map(datastoreOptions)]
  return tables.flatMap((table) => Object.values(table) as Option<unknown>[])
}

function valuesOf<T extends object>(table: { readonly [Key in keyof T]: Option<T[Key]> }, lookup: Lookup): T {
  const entries = Object.entries(table) as [string, Option<unknown>][]
  return Object.fromEntries(entries.map(([key, option]) => [key, lookup.value(option)])) as T
}

/** Throws: only the managers of the table were read. */
function unknownManager(manager: string): never {
  datastoreOptions(manager)
  throw new TypeError(`Manager ${manager} has options but no values`)
}
