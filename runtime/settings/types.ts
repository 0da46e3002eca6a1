/**
 * All settings of the services, by the names that Trove's options have, in camelCase. `options.ts` is the table they come
 * from: option, section, type, default, help. Times are seconds, as in the configuration files.
 */
export interface Settings {
  /** Everything that one machine keeps: database, images, instances, sockets, logs. */
  readonly stateDir: string
  /** `sqlite:///path` or `mysql://user:password@host:port/name`. Secret. */
  readonly databaseUrl: string
  /** `embedded://host:port` or `amqp(s)://user:password@host:port/vhost`. Secret. */
  readonly transportUrl: string
  /** RabbitMQ's management API, for guests' credentials. Secret. */
  readonly transportAdminUrl: string | undefined
  readonly computeDriver: string
  /** No instance is started from an image that none of the trusted keys has signed. */
  readonly requireSignedImages: boolean
  /** Public keys: files, and directories of them. */
  readonly trustedImageKeys: readonly string[]

  readonly bindHost: string
  readonly bindPort: number
  /** Overrides the host part of links (contract §1.2). */
  readonly publicEndpoint: string | undefined
  readonly identityBindHost: string
  readonly identityBindPort: number
  /** Set: tokens are validated by this Keystone, and the embedded identity is not started. */
  readonly authUrl: string | undefined
  readonly region: string
  readonly adminRoles: readonly string[]

  readonly defaultDatastore: string | undefined
  readonly instancesPageSize: number
  readonly databasesPageSize: number
  readonly usersPageSize: number
  /** Requests a minute for each tenant and verb; 0 switches the limit off. */
  readonly httpGetRate: number
  readonly httpPostRate: number
  readonly httpPutRate: number
  readonly httpDeleteRate: number
  readonly httpMgmtPostRate: number

  readonly maxInstancesPerTenant: number
  readonly maxVolumesPerTenant: number
  readonly maxBackupsPerTenant: number
  /** MiB; negative means no limit. */
  readonly maxRamPerTenant: number
  /** GiB of one volume. */
  readonly maxAcceptedVolumeSize: number
  readonly troveVolumeSupport: boolean
  readonly volumeFstype: string
  readonly hostnameRequireValidIp: boolean

  readonly reportInterval: number
  readonly agentHeartbeatExpiry: number
  readonly agentCallLowTimeout: number
  readonly agentCallHighTimeout: number
  readonly serverDeleteTimeOut: number
  readonly volumeTimeOut: number
  readonly stateChangeWaitTime: number

  readonly securityGroupsSupport: boolean
  readonly securityGroupNamePrefix: string
  readonly securityGroupRuleCidr: string
  /** Directory whose templates go before ours (option template_path). */
  readonly templatePath: string

  /** Options of the section named after a manager (contract §7.2, last point), defaults filled in. */
  readonly datastore: (manager: string) => DatastoreSettings
  readonly qemu: QemuSettings
}

export interface DatastoreSettings {
  readonly tcpPorts: readonly { readonly from: number; readonly to: number }[]
  readonly udpPorts: readonly { readonly from: number; readonly to: number }[]
  readonly mountPoint: string
  readonly devicePath: string
  readonly volumeSupport: boolean
  readonly rootOnCreate: boolean
  /** Seconds that a create may take until the service runs. */
  readonly usageTimeout: number
  readonly ignoreUsers: readonly string[]
  readonly ignoreDbs: readonly string[]
}

export interface QemuSettings {
  /** `user`: QEMU's own network, ports forwarded from a loopback address of the guest's own. `bridge`: addresses of their own. */
  readonly network: 'user' | 'bridge'
  /** Range the guests' addresses come from, CIDR. */
  readonly guestRange: string
  /** `auto` proves KVM by running it and falls back to TCG. */
  readonly accelerator: 'auto' | 'kvm' | 'tcg'
  /** First of the user ids that QEMU processes run under, one each; 0 leaves them with the caller's. */
  readonly firstUid: number
}
