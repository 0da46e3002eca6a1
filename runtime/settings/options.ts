import { TRUSTED_IMAGE_KEYS } from '../../registry/location.ts'
import { type Option, older, option } from './option.ts'
import type { QemuSettings, Settings } from './types.ts'
import { choice, flag, integer, list, optionalText, port, text } from './values.ts'

/** Settings that are one option each. */
type Plain = Omit<Settings, 'stateDir' | 'datastore' | 'qemu'>

type Table<T> = { readonly [Key in keyof T]: Option<T[Key]> }

const coffer = { section: 'coffer' }
const identity = { section: 'identity' }
const qemu = { section: 'qemu' }

/**
 * Every option of the services (contract §7.4). Defaults are those of today's Trove where Kilo's are outdated; a report
 * interval of 10 s and an expiry of 60 s are Kilo's, since the conductor can take them; volume support is on, as in Kilo,
 * since every compute driver of ours has volumes.
 */
export const options: Table<Plain> = {
  databaseUrl: option(
    'connection',
    text,
    '',
    'The infrastructure database: sqlite:///path or mysql://user:password@host:port/name.',
    {
      section: 'database',
      secret: true,
      defaultText: 'sqlite://STATE_DIRECTORY/trove.sqlite',
      ...older('sql_connection'),
    },
  ),
  transportUrl: option(
    'transport_url',
    text,
    'embedded://127.0.0.1:5671',
    'Where messages to and from the guests go: embedded://host:port, or amqp://, amqps:// or rabbit://user:password@host:port/vhost.',
    { secret: true },
  ),
  transportAdminUrl: option(
    'transport_admin_url',
    optionalText,
    undefined,
    "RabbitMQ's management API, http://user:password@host:15672: it makes a credential for each guest.",
    { ...coffer, secret: true },
  ),
  computeDriver: option('compute_driver', text, 'qemu', 'Where servers and volumes come from.', coffer),
  requireSignedImages: option(
    'require_signed_images',
    flag,
    false,
    'Images that no trusted key has signed are neither registered nor started.',
    coffer,
  ),
  trustedImageKeys: option(
    'trusted_image_keys',
    list,
    TRUSTED_IMAGE_KEYS,
    'Public keys of those whose images are trusted: files, and directories whose *.pub and *.pem are read.',
    coffer,
  ),

  bindHost: option(
    'bind_host',
    text,
    // Trove has 0.0.0.0; ours speaks plain HTTP, so being reached from elsewhere is a decision.
    '127.0.0.1',
    'Address that the API service listens on.',
  ),
  bindPort: option('bind_port', port, 8779, 'Port that the API service listens on.'),
  publicEndpoint: option(
    'public_endpoint',
    optionalText,
    undefined,
    'Host part of the links in answers, when clients see another one than the service.',
  ),
  identityBindHost: option(
    'bind_host',
    text,
    '127.0.0.1',
    'Address that the embedded identity service listens on.',
    identity,
  ),
  identityBindPort: option(
    'bind_port',
    port,
    5000,
    'Port that the embedded identity service listens on.',
    identity,
  ),
  authUrl: option(
    'auth_url',
    optionalText,
    undefined,
    'A Keystone that keeps the users. When set, the embedded identity service does not start.',
    {
      section: 'keystone_authtoken',
      older: [
        { section: 'keystone_authtoken', name: 'www_authenticate_uri' },
        { section: 'keystone_authtoken', name: 'auth_uri' },
        { section: 'service_credentials', name: 'auth_url' },
        { section: 'DEFAULT', name: 'trove_auth_url' },
      ],
    },
  ),
  region: option('region_name', text, 'RegionOne', 'Region in the service catalog.', {
    section: 'service_credentials',
    ...older('os_region_name', 'region'),
  }),
  adminRoles: option('admin_roles', list, ['admin'], 'Roles that may use the management API.'),

  defaultDatastore: option(
    'default_datastore',
    optionalText,
    undefined,
    'Datastore, by name or id, of an instance whose create names none.',
  ),
  instancesPageSize: option('instances_page_size', integer(1), 20, 'Most instances in one answer.'),
  databasesPageSize: option('databases_page_size', integer(1), 20, 'Most databases in one answer.'),
  usersPageSize: option('users_page_size', integer(1), 20, 'Most users in one answer.'),
  httpGetRate: option(
    'http_get_rate',
    integer(0),
    200,
    'GET requests a minute for each tenant; 0 is no limit.',
  ),
  httpPostRate: option(
    'http_post_rate',
    integer(0),
    200,
    'POST requests a minute for each tenant; 0 is no limit.',
  ),
  httpPutRate: option(
    'http_put_rate',
    integer(0),
    200,
    'PUT and PATCH requests a minute for each tenant; 0 is no limit.',
  ),
  httpDeleteRate: option(
    'http_delete_rate',
    integer(0),
    200,
    'DELETE requests a minute for each tenant; 0 is no limit.',
  ),
  httpMgmtPostRate: option(
    'http_mgmt_post_rate',
    integer(0),
    200,
    'POST requests to the management API a minute for each tenant; 0 is no limit.',
  ),

  maxInstancesPerTenant: option(
    'max_instances_per_tenant',
    integer(-1),
    10,
    'Instances of a tenant; -1 is no limit.',
    older('max_instances_per_user'),
  ),
  maxVolumesPerTenant: option(
    'max_volumes_per_tenant',
    integer(-1),
    40,
    'GiB of volumes of a tenant; -1 is no limit.',
    older('max_volumes_per_user'),
  ),
  maxBackupsPerTenant: option(
    'max_backups_per_tenant',
    integer(-1),
    50,
    'Backups of a tenant; -1 is no limit.',
    older('max_backups_per_user'),
  ),
  maxRamPerTenant: option(
    'max_ram_per_tenant',
    integer(-1),
    -1,
    "MiB of memory of a tenant's instances; -1 is no limit.",
  ),
  maxAcceptedVolumeSize: option('max_accepted_volume_size', integer(1), 10, 'GiB of one volume.'),
  troveVolumeSupport: option(
    'trove_volume_support',
    flag,
    true,
    'Data on volumes of their own. Without, it stays on the root disk.',
  ),
  volumeFstype: option(
    'volume_fstype',
    choice('ext4', 'ext3', 'xfs'),
    'ext4',
    'File system of the data volume.',
  ),
  hostnameRequireValidIp: option(
    'hostname_require_valid_ip',
    flag,
    true,
    'Whether the host of a database user must be an address or `%`.',
    older('hostname_require_ipv4'),
  ),

  reportInterval: option(
    'report_interval',
    integer(1),
    10,
    'Seconds between the heartbeats of a guest agent.',
  ),
  agentHeartbeatExpiry: option(
    'agent_heartbeat_expiry',
    integer(1),
    60,
    'Seconds without a heartbeat after which a guest counts as silent.',
  ),
  agentCallLowTimeout: option(
    'agent_call_low_timeout',
    integer(1),
    15,
    'Seconds that a quick question to a guest may take.',
  ),
  agentCallHighTimeout: option(
    'agent_call_high_timeout',
    integer(1),
    180,
    'Seconds that a long operation of a guest may take.',
  ),
  serverDeleteTimeOut: option(
    'server_delete_time_out',
    integer(1),
    60,
    'Seconds that the deletion of a server may take.',
  ),
  volumeTimeOut: option(
    'volume_time_out',
    integer(1),
    60,
    'Seconds that a volume may take to appear or to go.',
  ),
  stateChangeWaitTime: option(
    'state_change_wait_time',
    integer(1),
    180,
    'Seconds that the engine may take to start or to stop.',
  ),

  securityGroupsSupport: option(
    'trove_security_groups_support',
    flag,
    true,
    'A security group for each instance.',
  ),
  securityGroupNamePrefix: option(
    'trove_security_group_name_prefix',
    text,
    'trove_sg',
    'First part of the names of security groups.',
  ),
  securityGroupRuleCidr: option(
    'trove_security_group_rule_cidr',
    text,
    '0.0.0.0/0',
    "Who may reach a new instance's ports.",
  ),
  templatePath: option(
    'template_path',
    text,
    '/etc/trove/templates/',
    'Directory whose configuration templates go before the built-in ones.',
  ),
}

/** The section [qemu]. */
export const qemuOptions: Table<QemuSettings> = {
  network: option(
    'network',
    choice('user', 'bridge'),
    'user',
    'user: ports forwarded from a loopback address of each guest. bridge: addresses of their own.',
    qemu,
  ),
  guestRange: option(
    'guest_range',
    text,
    '127.77.0.0/16',
    'Range that the addresses of guests come from.',
    qemu,
  ),
  accelerator: option(
    'accelerator',
    choice('auto', 'kvm', 'tcg'),
    'auto',
    'auto tries KVM by running it, and falls back to emulation.',
    qemu,
  ),
  firstUid: option(
    'first_uid',
    integer(0),
    70_000,
    'First of the user ids that QEMU processes run under when the service is root, one each; 0: all run as the service.',
    qemu,
  ),
}
