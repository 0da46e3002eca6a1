import type { Flavor } from '../model/flavor.ts'

/**
 * Where servers and volumes come from. Members: `fake` (tests), `qemu` (this machine), later `openstack`. Each passes the
 * suite in test/contract/compute.
 *
 * What a driver MUST keep:
 * - Everything is asked for by an id that the caller chose before it asked. Asking again with the same id is not an error
 *   and makes nothing twice, also after a kill in the middle.
 * - Delete of what does not exist succeeds. After a delete no process, file, address or port of it is left.
 * - Servers outlive the process that made them. A new process of the control plane sees them by `getServer`.
 * - No secret of `files` in argv, environment or a file that other accounts can read.
 */
export interface ComputeDriver {
  readonly capabilities: ComputeCapabilities
  readonly flavors: () => Promise<readonly Flavor[]>

  /** Begins, and does not wait for, what the first server would wait for else. */
  readonly warmUp: () => void

  readonly createVolume: (volume: VolumeSpec) => Promise<void>
  readonly getVolume: (id: string) => Promise<VolumeState | undefined>
  readonly deleteVolume: (id: string) => Promise<void>
  readonly listVolumes: () => Promise<readonly VolumeState[]>

  readonly createServer: (server: ServerSpec) => Promise<void>
  readonly getServer: (id: string) => Promise<ServerState | undefined>
  /** Ends the server, its disk included; attached volumes stay. */
  readonly deleteServer: (id: string) => Promise<void>
  readonly listServers: () => Promise<readonly ServerState[]>
  /** Restarts the whole machine. */
  readonly rebootServer: (id: string) => Promise<void>
  /** The end of the serial console, for people and for fault details. */
  readonly consoleTail: (id: string, bytes: number) => Promise<string>
  /** Replaces the rules of which ports are reachable from where. */
  readonly setSecurityRules: (serverId: string, rules: readonly SecurityRule[]) => Promise<void>
  /** Lets go of what this process holds (sockets, timers). Servers go on. */
  readonly close: () => Promise<void>
}

export interface ComputeCapabilities {
  readonly volumes: boolean
  /** Every server has an address of its own that its real ports answer on. */
  readonly ownAddresses: boolean
  /** Rules can change while the server runs. */
  readonly liveSecurityRules: boolean
}

export interface VolumeSpec {
  readonly id: string
  readonly name: string
  readonly sizeGb: number
  /** The instance it belongs to: found again by the reconciler. */
  readonly instanceId: string
  /** The file system that its guest will want. A driver may make an empty one; else the guest finds the volume blank. */
  readonly fsType?: string
}

export interface VolumeState {
  readonly id: string
  readonly instanceId: string
  readonly sizeGb: number
  readonly status: 'creating' | 'available' | 'in-use' | 'error' | 'deleting'
}

export interface SecurityRule {
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  readonly fromPort: number
  readonly toPort: number
  /** IPv4 range in CIDR form. */
  readonly cidr: string
}

export interface ServerSpec {
  readonly id: string
  readonly name: string
  readonly instanceId: string
  readonly tenantId: string
  readonly flavor: Flavor
  /** A file of the image store, its digest already checked, and what it holds. */
  readonly image: { readonly id: string; readonly path: string; readonly format: 'qcow2' | 'raw' }
  readonly volumeIds: readonly string[]
  /** Files for the top of the config drive: guest_info.conf, trove-guestagent.conf. Secret. */
  readonly files: Readonly<Record<string, string>>
  readonly hostname: string
  readonly userData?: string
  readonly rules: readonly SecurityRule[]
}

export interface ServerState {
  readonly id: string
  readonly instanceId: string
  readonly name: string
  /** Nova's words. SHUTDOWN: it exists and does not run. */
  readonly status: 'BUILD' | 'ACTIVE' | 'REBOOT' | 'SHUTDOWN' | 'ERROR'
  readonly addresses: readonly string[]
  /** Why, when the status is ERROR or SHUTDOWN: a sentence. */
  readonly reason?: string
}
