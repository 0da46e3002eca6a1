import type { Flavor } from '../../../runtime/model/flavor.ts'
import type { Settings } from '../../../runtime/settings/types.ts'
import type { Timings } from '../../../runtime/taskmanager/services.ts'

export const FLAVOR: Flavor = { id: '1', name: 'm1.tiny', ram: 512, vcpus: 1, disk: 1, ephemeral: 0 }

/** Everything a second or two long in production, in milliseconds here. */
export const FLOW_TIMINGS: Partial<Timings> = {
  pollMs: 50,
  leaseMs: 600,
  probeMs: 20,
  lookMs: 50,
  retryMs: 20,
  retryMaxMs: 100,
  undoMs: 3000,
  resumeMs: 2000,
  reconcileMs: 100,
  graceMs: 300,
  stopMs: 500,
}

/** Settings for a control plane whose machines are fake. */
export function testSettings(
  options: { readonly usageTimeout?: number; readonly stateDir?: string } = {},
): Settings {
  return {
    stateDir: options.stateDir ?? '/nowhere',
    databaseUrl: 'sqlite:///nowhere',
    transportUrl: 'embedded://127.0.0.1:0',
    transportAdminUrl: undefined,
    computeDriver: 'fake',
    requireSignedImages: false,
    trustedImageKeys: [],
    bindHost: '127.0.0.1',
    bindPort: 0,
    publicEndpoint: undefined,
    identityBindHost: '127.0.0.1',
    identityBindPort: 0,
    authUrl: undefined,
    region: 'RegionOne',
    adminRoles: ['admin'],
    defaultDatastore: 'mysql',
    instancesPageSize: 20,
    databasesPageSize: 20,
    usersPageSize: 20,
    httpGetRate: 0,
    httpPostRate: 0,
    httpPutRate: 0,
    httpDeleteRate: 0,
    httpMgmtPostRate: 0,
    maxInstancesPerTenant: 10,
    maxVolumesPerTenant: 40,
    maxBackupsPerTenant: 50,
    maxRamPerTenant: -1,
    maxAcceptedVolumeSize: 10,
    troveVolumeSupport: true,
    volumeFstype: 'ext4',
    hostnameRequireValidIp: true,
    reportInterval: 0.2,
    agentHeartbeatExpiry: 90,
    agentCallLowTimeout: 2,
    agentCallHighTimeout: 3,
    serverDeleteTimeOut: 3,
    volumeTimeOut: 3,
    stateChangeWaitTime: 3,
    securityGroupsSupport: true,
    securityGroupNamePrefix: 'SecGroup',
    securityGroupRuleCidr: '0.0.0.0/0',
    templatePath: '/etc/trove/templates',
    datastore: () => ({
      tcpPorts: [{ from: 3306, to: 3306 }],
      udpPorts: [],
      mountPoint: '/var/lib/mysql',
      devicePath: '/dev/vdb',
      volumeSupport: true,
      rootOnCreate: false,
      usageTimeout: options.usageTimeout ?? 10,
      ignoreUsers: [],
      ignoreDbs: [],
    }),
    qemu: { network: 'user', guestRange: '127.77.0.0/16', accelerator: 'auto', firstUid: 0 },
  }
}
