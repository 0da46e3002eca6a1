import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError, isErrno } from '../../lib/errors.ts'
import { DEFAULT_SECTION, type Ini, parseIni } from '../../lib/ini.ts'
import type { VolumeArgs } from '../rpc/guest-methods.ts'

/** Where the configuration drive's files are put in a guest (contract §7.1). */
export const CONFIGURATION_DIRECTORY = '/etc/trove/conf.d'

/** What the agent learns of its place from the control plane. */
export interface AgentConfiguration {
  readonly guestId: string
  readonly tenantId: string
  readonly datastoreManager: string
  /** Holds the guest's credential. Secret. */
  readonly transportUrl: string
  /** Seconds between heartbeats. */
  readonly reportInterval: number
  readonly debug: boolean
  /** The datastore's volume, as far as the files tell of it: `prepare` has the last word. */
  readonly volume: VolumeArgs
}

const FILES = ['guest_info.conf', 'trove-guestagent.conf'] as const

/** Trove's own default (contract §7.4). */
const REPORT_INTERVAL = 10

/**
 * Reads the two files, the second over the first (contract §7.1).
 *
 * @throws CofferError `AGENT_NOT_CONFIGURED` when a file or an option is missing, `OPTION_VALUE_INVALID`, `INI_BROKEN`.
 */
export async function readConfiguration(
  directory: string = CONFIGURATION_DIRECTORY,
): Promise<AgentConfiguration> {
  const texts = await Promise.all(FILES.map((name) => textOf(join(directory, name))))
  return configurationOf(texts)
}

/** The configuration that the texts of the files make. Pure. */
export function configurationOf(texts: readonly string[]): AgentConfiguration {
  const files = texts.map((text, index) => parseIni(text, FILES[index] ?? 'a file'))
  const options = optionsOf(files, DEFAULT_SECTION)
  const required = (name: string): string => {
    const value = options.get(name)
    if (value !== undefined && value !== '') return value
    throw new CofferError('AGENT_NOT_CONFIGURED', `The configuration drive's files do not set ${name}.`, {
      hint: 'guest_info.conf sets guest_id, datastore_manager and tenant_id; trove-guestagent.conf sets transport_url.',
    })
  }
  const datastoreManager = required('datastore_manager')
  return {
    guestId: required('guest_id'),
    tenantId: options.get('tenant_id') ?? '',
    datastoreManager,
    transportUrl: required('transport_url'),
    reportInterval: seconds('report_interval', options.get('report_interval')),
    debug: isTrue(options.get('debug')),
    volume: volumeOf(optionsOf(files, datastoreManager), options.get('volume_fstype')),
  }
}

/** The options of a section, later files over earlier ones. */
const optionsOf = (files: readonly Ini[], section: string): ReadonlyMap<string, string> =>
  new Map(
    files.flatMap((file) =>
      [...(file.get(section) ?? [])].map(([name, values]) => [name, values.at(-1) ?? '']),
    ),
  )

const isTrue = (text: string | undefined): boolean => /^(true|yes|on|1)$/i.test(text ?? '')

/** The volume that a datastore's section describes; a section that does not say so has none. */
function volumeOf(section: ReadonlyMap<string, string>, fsType: string | undefined): VolumeArgs {
  const devicePath = section.get('device_path') ?? ''
  if (!isTrue(section.get('volume_support')) || devicePath === '') return {}
  const mountPoint = section.get('mount_point') ?? ''
  return {
    device_path: devicePath,
    ...(mountPoint === '' ? {} : { mount_point: mountPoint }),
    ...(fsType === undefined || fsType === '' ? {} : { volume_fstype: fsType }),
  }
}

function seconds(name: string, text: string | undefined): number {
  if (text === undefined || text === '') return REPORT_INTERVAL
  const value = Number(text)
  if (Number.isFinite(value) && value > 0 && value <= 3600) return value
  throw new CofferError('OPTION_VALUE_INVALID', `${name} needs a number of seconds up to 3600, not '${text}'`)
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    throw new CofferError('AGENT_NOT_CONFIGURED', `There is no ${path}.`, {
      hint: 'It comes from the configuration drive, a disk labelled config-2.',
    })
  }
}
