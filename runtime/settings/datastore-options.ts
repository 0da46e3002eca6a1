import { CofferError } from '../../lib/errors.ts'
import { type Option, older, option } from './option.ts'
import type { DatastoreSettings } from './types.ts'
import { flag, integer, list, portRanges, text } from './values.ts'

/** What differs between the managers' sections; the rest is the same for all (contract §7.4, last table). */
interface Defaults {
  readonly tcp: string
  readonly udp?: string
  readonly mountPoint: string
  readonly rootOnCreate?: boolean
  readonly ignoreUsers?: readonly string[]
  readonly ignoreDbs?: readonly string[]
}

const mysqlFamily: Defaults = {
  tcp: '3306',
  mountPoint: '/var/lib/mysql',
  ignoreUsers: ['os_admin', 'root'],
  // The first two: the data directory is the top of an ext4 volume, whose lost+found looks like a database.
  ignoreDbs: [
    'lost+found',
    '#mysql50#lost+found',
    'mysql',
    'information_schema',
    'performance_schema',
    'sys',
  ],
}

const managers: Readonly<Record<string, Defaults>> = {
  mysql: mysqlFamily,
  mariadb: mysqlFamily,
  percona: mysqlFamily,
  pxc: {
    ...mysqlFamily,
    tcp: '3306, 4444, 4567, 4568',
    udp: '4567',
    ignoreUsers: ['os_admin', 'root', 'clusterrepuser'],
  },
  postgresql: {
    tcp: '5432',
    mountPoint: '/var/lib/postgresql',
    ignoreUsers: ['os_admin', 'postgres', 'root'],
    ignoreDbs: ['os_admin', 'postgres'],
  },
  redis: { tcp: '6379', mountPoint: '/var/lib/redis' },
  mongodb: {
    tcp: '2500, 27017',
    mountPoint: '/var/lib/mongodb',
    ignoreUsers: ['admin.os_admin', 'admin.root'],
    ignoreDbs: ['admin', 'local', 'config'],
  },
  cassandra: {
    tcp: '7000, 7001, 9042, 9160',
    mountPoint: '/var/lib/cassandra',
    ignoreUsers: ['os_admin'],
    ignoreDbs: ['system', 'system_auth', 'system_traces'],
  },
  couchbase: {
    tcp: '8091, 8092, 4369, 11209-11211, 21100-21199',
    mountPoint: '/var/lib/couchbase',
    rootOnCreate: true,
  },
  couchdb: {
    tcp: '5984',
    mountPoint: '/var/lib/couchdb',
    ignoreUsers: ['os_admin', 'root'],
    ignoreDbs: ['_users', '_replicator'],
  },
  db2: {
    tcp: '50000',
    mountPoint: '/home/db2inst1/db2inst1',
    ignoreUsers: ['PUBLIC', 'DB2INST1'],
  },
  vertica: {
    tcp: '5433, 5434, 22, 5444, 5450, 4803',
    udp: '5433, 4803, 4804, 6453',
    mountPoint: '/var/lib/vertica',
  },
}

/** Managers that have a section of their own. */
export const MANAGERS: readonly string[] = Object.keys(managers)

export type DatastoreOptions = { readonly [Key in keyof DatastoreSettings]: Option<DatastoreSettings[Key]> }

/**
 * The options of a manager's section.
 *
 * @throws CofferError DATASTORE_MANAGER_UNKNOWN
 */
export function datastoreOptions(manager: string): DatastoreOptions {
  const defaults = Object.hasOwn(managers, manager) ? managers[manager] : undefined
  if (defaults === undefined) {
    throw new CofferError('DATASTORE_MANAGER_UNKNOWN', `No datastore is managed by '${manager}'`, {
      hint: `Managers are ${MANAGERS.join(', ')}.`,
    })
  }
  const section = { section: manager }
  return {
    tcpPorts: option(
      'tcp_ports',
      portRanges,
      portRanges.parse(defaults.tcp) ?? [],
      'TCP ports that are opened.',
      section,
    ),
    udpPorts: option(
      'udp_ports',
      portRanges,
      portRanges.parse(defaults.udp ?? '') ?? [],
      'UDP ports that are opened.',
      section,
    ),
    mountPoint: option(
      'mount_point',
      text,
      defaults.mountPoint,
      'Where the data volume is mounted.',
      section,
    ),
    devicePath: option('device_path', text, '/dev/vdb', 'Device of the data volume.', {
      ...section,
      ...older('device_path'),
    }),
    // Kilo had none for redis; its persistence files deserve one like any other data.
    volumeSupport: option('volume_support', flag, true, 'Data on a volume of its own.', section),
    rootOnCreate: option(
      'root_on_create',
      flag,
      defaults.rootOnCreate ?? false,
      'Enables root at create, and gives its password in the answer.',
      section,
    ),
    usageTimeout: option(
      'usage_timeout',
      integer(1),
      1800,
      'Seconds that a create may take until the service runs.',
      { ...section, ...older('usage_timeout') },
    ),
    ignoreUsers: option(
      'ignore_users',
      list,
      defaults.ignoreUsers ?? [],
      'Users that are not shown and cannot be changed.',
      { ...section, ...older('ignore_users') },
    ),
    ignoreDbs: option(
      'ignore_dbs',
      list,
      defaults.ignoreDbs ?? [],
      'Databases that are not shown and cannot be changed.',
      { ...section, ...older('ignore_dbs') },
    ),
  }
}
