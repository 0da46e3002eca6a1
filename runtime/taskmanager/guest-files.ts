import { CofferError } from '../../lib/errors.ts'
import type { DatastoreSettings, Settings } from '../settings/types.ts'

/** What the two configuration files of a guest are made from. */
export interface GuestFilesInput {
  readonly instanceId: string
  readonly tenantId: string
  readonly manager: string
  /** Holds the guest's secret. */
  readonly transportUrl: string
  readonly settings: Pick<Settings, 'reportInterval' | 'volumeFstype' | 'datastore'>
  readonly hasVolume: boolean
}

/**
 * The files on a guest's config drive: `guest_info.conf` says who it is, `trove-guestagent.conf` where to call and how its
 * datastore is laid out (contract §3.7 Create, §7.2).
 *
 * @throws CofferError CONFIG_VALUE_REFUSED when a value cannot be written without changing its meaning
 */
export function guestFiles(input: GuestFilesInput): Readonly<Record<string, string>> {
  const { manager, settings } = input
  return {
    'guest_info.conf': renderIni({
      DEFAULT: {
        guest_id: input.instanceId,
        datastore_manager: manager,
        tenant_id: input.tenantId,
      },
    }),
    'trove-guestagent.conf': renderIni({
      DEFAULT: {
        transport_url: input.transportUrl,
        control_exchange: 'trove',
        report_interval: settings.reportInterval,
        volume_fstype: settings.volumeFstype,
        datastore_manager: manager,
      },
      [manager]: datastoreSection(settings.datastore(manager), input.hasVolume),
    }),
  }
}

function datastoreSection(
  options: DatastoreSettings,
  hasVolume: boolean,
): Readonly<Record<string, string | number | boolean | readonly string[]>> {
  return {
    mount_point: options.mountPoint,
    device_path: hasVolume ? options.devicePath : '',
    volume_support: hasVolume,
    tcp_ports: options.tcpPorts.map(portRange),
    udp_ports: options.udpPorts.map(portRange),
    root_on_create: options.rootOnCreate,
    ignore_users: options.ignoreUsers,
    ignore_dbs: options.ignoreDbs,
  }
}

const portRange = ({ from, to }: { from: number; to: number }) =>
  from === to ? String(from) : `${from}-${to}`

type IniValue = string | number | boolean | readonly string[]

/** An oslo.config file: sections of `key = value` lines, values escaped so that they are read back as they are. */
export function renderIni(sections: Readonly<Record<string, Readonly<Record<string, IniValue>>>>): string {
  return Object.entries(sections)
    .map(([name, values]) => {
      const lines = Object.entries(values).map(([key, value]) => `${key} = ${iniValue(key, value)}`)
      return `[${name}]\n${lines.join('\n')}\n`
    })
    .join('\n')
}

/**
 * A value as oslo.config reads it back (contract §7.2): `$` doubled, since it would be substituted; blanks at the ends and
 * quotes around the whole kept by one more pair of quotes.
 */
function iniValue(key: string, value: IniValue): string {
  const text = Array.isArray(value) ? value.join(',') : String(value)
  const control = [...text].some((char) => char < ' ' || char === '\u007f')
  const splits =
    Array.isArray(value) && value.some((item: string) => item.includes(',') || item.trim() !== item)
  if (control || splits) {
    throw new CofferError(
      'CONFIG_VALUE_REFUSED',
      `The value of ${key} cannot be written to a configuration file`,
      {
        hint: 'It has a line break or another control character, or a list item has a comma or outer blanks.',
      },
    )
  }
  const escaped = text.replaceAll('$', '$$$$')
  return /^\s|\s$|^(["']).*\1$/.test(escaped) ? `"${escaped}"` : escaped
}
