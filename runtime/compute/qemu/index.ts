import { mkdir } from 'node:fs/promises'
import type { Logger } from 'pino'
import { type Accelerator, proveAcceleration } from '../../../lib/acceleration.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Settings } from '../../settings/types.ts'
import type { ComputeDriver } from '../types.ts'
import { oneAtATime } from './by-id.ts'
import { readFlavors } from './flavors.ts'
import { layoutOf } from './layout.ts'
import { bridgeNetwork } from './network/bridge.ts'
import type { GuestNetwork, HubAddress } from './network/types.ts'
import { userNetwork } from './network/user.ts'
import * as servers from './servers.ts'
import { openSlots } from './slots.ts'
import { openVolumes } from './volumes.ts'

/** The settings that the driver reads. */
export type QemuComputeSettings = Pick<Settings, 'stateDir' | 'transportUrl' | 'qemu'>

/** What the driver needs from its surroundings. */
export interface QemuComputeParts {
  readonly clock: Clock
  readonly log: Pick<Logger, 'warn' | 'info'>
}

/**
 * Opens the compute driver that runs servers as QEMU processes of this machine. Servers that an earlier process of ours
 * started are found again: all there is to know is in the state directory and in the running QEMUs.
 *
 * @throws CofferError `ADDRESS_RANGE_INVALID`, `ROOT_NEEDED`, `TOOL_MISSING`
 */
export async function openQemuCompute(
  settings: QemuComputeSettings,
  { clock, log }: QemuComputeParts,
): Promise<ComputeDriver> {
  const layout = layoutOf(settings.stateDir)
  for (const directory of [layout.instances, layout.volumes]) {
    await mkdir(directory, { recursive: true, mode: 0o700 })
  }
  const network = networkOf(settings, () => servers.allRecords({ layout }))
  const root = process.getuid?.() === 0
  const acceleration = onceProved(settings.qemu.accelerator, layout.acceleration, clock)
  const context: servers.ServerContext = {
    layout,
    network,
    clock,
    slots: openSlots(layout.slots, network.firstSlot, network.endSlot),
    firstUid: root && settings.qemu.firstUid > 0 ? settings.qemu.firstUid : undefined,
    accelerator: acceleration.known,
    warn: (message, fields) => log.warn(fields, message),
  }
  const volumes = openVolumes(layout, (id) => servers.usersOf(id, context))
  const each = oneAtATime()
  await network.prepare()
  return {
    capabilities: { volumes: true, ownAddresses: true, liveSecurityRules: true },
    flavors: () => readFlavors(layout.flavors),
    // Who creates the first server is told what is wrong.
    warmUp: () => void acceleration.known().catch(() => undefined),
    createVolume: (spec) => each(spec.id, () => volumes.create(spec)),
    getVolume: volumes.get,
    deleteVolume: (id) => each(id, () => volumes.remove(id)),
    listVolumes: volumes.list,
    createServer: (spec) => each(spec.id, () => servers.createServer(spec, context)),
    getServer: (id) => servers.getServer(id, context),
    deleteServer: (id) => each(id, () => servers.deleteServer(id, context)),
    listServers: () => servers.listServers(context),
    rebootServer: (id) => each(id, () => servers.rebootServer(id, context)),
    consoleTail: (id, bytes) => each(id, () => servers.consoleTail(id, bytes, context)),
    setSecurityRules: (id, rules) => each(id, () => servers.setSecurityRules(id, rules, context)),
    async close() {
      await acceleration.stop()
      await network.close()
    },
  }
}

/**
 * Where guests of these settings find the hub: what belongs into their transport URL. In the network `bridge` this is also
 * an address of this machine, once the driver is open, and the hub must listen there.
 */
export function hubForGuests(settings: QemuComputeSettings): HubAddress {
  return networkOf(settings, async () => []).hubForGuests
}

/** Where the hub listens, as this machine reaches it: the host and port of the transport URL. */
export function hubOnHost(transportUrl: string): HubAddress {
  const { hostname, port, protocol } = new URL(transportUrl)
  const everywhere = ['', '0.0.0.0', '[::]', '[::1]', 'localhost'].includes(hostname)
  const fallback = protocol === 'amqp:' ? 5672 : 5671
  return { host: everywhere ? '127.0.0.1' : hostname, port: port === '' ? fallback : Number(port) }
}

function networkOf(
  { qemu, transportUrl, stateDir }: QemuComputeSettings,
  records: Parameters<typeof bridgeNetwork>[0]['servers'],
): GuestNetwork {
  const hub = hubOnHost(transportUrl)
  return qemu.network === 'bridge'
    ? bridgeNetwork({ guestRange: qemu.guestRange, hubPort: hub.port, stateDir, servers: records })
    : userNetwork(qemu.guestRange, hub)
}

/** The accelerator, proved at the first start and remembered in the state directory for this kernel and QEMU. */
function onceProved(setting: Settings['qemu']['accelerator'], cacheFile: string, clock: Clock) {
  const stopping = new AbortController()
  let proof: Promise<Accelerator> | undefined
  return {
    known(): Promise<Accelerator> {
      if (setting !== 'auto') return Promise.resolve(setting)
      proof ??= proveAcceleration({ cacheFile, clock, machine: 'q35', signal: stopping.signal })
      proof.catch(() => {
        proof = undefined
      })
      return proof
    },
    async stop(): Promise<void> {
      stopping.abort()
      await proof?.catch(() => undefined)
    },
  }
}
