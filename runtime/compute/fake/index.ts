import { appendFile, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../lib/clock.ts'
import { CofferError, isErrno } from '../../../lib/errors.ts'
import type { Flavor } from '../../model/flavor.ts'
import type { ComputeDriver, ServerSpec, ServerState, VolumeSpec, VolumeState } from '../types.ts'
import { openAddresses } from './addresses.ts'
import { type Faults, faultsOf } from './faults.ts'
import { openRecords, type Records } from './records.ts'

/** What a fake server is: its order, and what has happened to it. */
export interface FakeServer {
  readonly spec: ServerSpec
  readonly address: string
  /** When it is up, in milliseconds since the epoch. */
  readonly activeAt: number
  /** Times that it was started. */
  readonly boots: number
  readonly fault: Faults['server'] | null
  readonly stopped: string | null
}

interface FakeVolume {
  readonly spec: VolumeSpec
  readonly availableAt: number
  readonly broken: boolean
}

export interface FakeComputeOptions {
  readonly clock: Clock
  /** How long a server takes to be up, in milliseconds. Default 50. */
  readonly bootMs?: number
  /** How long a volume takes. Default 20. */
  readonly volumeMs?: number
}

/** The book's flavors. */
const FLAVORS: readonly Flavor[] = [
  { id: '1', name: 'm1.tiny', ram: 512, vcpus: 1, disk: 1, ephemeral: 0 },
  { id: '2', name: 'm1.small', ram: 2048, vcpus: 1, disk: 20, ephemeral: 0 },
  { id: '3', name: 'm1.medium', ram: 4096, vcpus: 2, disk: 40, ephemeral: 0 },
]

/** A server that dies does so after it has been up for this long. */
const DIES_AFTER_MS = 300

/**
 * Servers and volumes that are files in a directory: for tests of everything but the machine itself. Nothing runs by itself;
 * `guests.ts` plays the guests. Any number of processes may use one directory.
 */
export async function openFakeCompute(
  directory: string,
  { clock, bootMs = 50, volumeMs = 20 }: FakeComputeOptions,
): Promise<ComputeDriver> {
  const servers = await openServers(directory)
  const volumes: Records<FakeVolume> = await openRecords(join(directory, 'volumes'))
  const addresses = await openAddresses(join(directory, 'addresses'))
  await mkdir(join(directory, 'consoles'), { recursive: true, mode: 0o700 })
  const now = () => clock.now().getTime()

  async function volumeState({ spec, availableAt, broken }: FakeVolume): Promise<VolumeState> {
    const attached = (await servers.list()).some((server) => server.spec.volumeIds.includes(spec.id))
    const ready = attached ? 'in-use' : 'available'
    return {
      id: spec.id,
      instanceId: spec.instanceId,
      sizeGb: spec.sizeGb,
      status: broken ? 'error' : now() < availableAt ? 'creating' : ready,
    }
  }

  async function deletable(instanceId: string): Promise<void> {
    if ((await faultsOf(directory, instanceId)).deletes === 'refuse') throw refused('delete')
  }

  return {
    capabilities: { volumes: true, ownAddresses: true, liveSecurityRules: true },
    flavors: async () => FLAVORS,
    warmUp: () => undefined,

    async createVolume(spec) {
      if ((await volumes.get(spec.id)) !== undefined) return
      const { volume } = await faultsOf(directory, spec.instanceId)
      if (volume === 'refuse') throw refused('volume')
      await volumes.put(spec.id, { spec, availableAt: now() + volumeMs, broken: volume === 'error' })
    },
    async getVolume(id) {
      const volume = await volumes.get(id)
      return volume === undefined ? undefined : volumeState(volume)
    },
    async deleteVolume(id) {
      const volume = await volumes.get(id)
      if (volume === undefined) return
      await deletable(volume.spec.instanceId)
      if ((await volumeState(volume)).status === 'in-use') {
        throw new CofferError('VOLUME_IN_USE', `Volume ${id} is attached to a server`, { retryable: true })
      }
      await volumes.remove(id)
    },
    listVolumes: async () => Promise.all((await volumes.list()).map(volumeState)),

    async createServer(spec) {
      if ((await servers.get(spec.id)) !== undefined) return
      const { server } = await faultsOf(directory, spec.instanceId)
      if (server === 'refuse') throw refused('server')
      for (const volumeId of spec.volumeIds) {
        if ((await volumes.get(volumeId)) === undefined) throw refused('server without its volume')
      }
      const address = await addresses.take(spec.id)
      await appendFile(join(directory, 'consoles', spec.id), 'fake firmware: booting\n', { mode: 0o600 })
      await servers.put(spec.id, {
        spec,
        address,
        activeAt: now() + bootMs,
        boots: 1,
        fault: server ?? null,
        stopped: null,
      })
    },
    async getServer(id) {
      const server = await servers.get(id)
      return server === undefined ? undefined : serverState(server, now())
    },
    async deleteServer(id) {
      const server = await servers.get(id)
      if (server !== undefined) await deletable(server.spec.instanceId)
      await servers.remove(id)
      await addresses.free(id)
      await rm(join(directory, 'consoles', id), { force: true })
    },
    listServers: async () => (await servers.list()).map((server) => serverState(server, now())),
    async rebootServer(id) {
      const server = await servers.get(id)
      if (server === undefined) throw new CofferError('SERVER_MISSING', `There is no server ${id}`)
      await servers.put(id, { ...server, activeAt: now() + bootMs, boots: server.boots + 1, stopped: null })
    },
    async consoleTail(id, bytes) {
      try {
        return (await readFile(join(directory, 'consoles', id), 'utf8')).slice(-bytes)
      } catch (error) {
        if (isErrno(error, 'ENOENT')) return ''
        throw error
      }
    },
    async setSecurityRules(id, rules) {
      const server = await servers.get(id)
      if (server !== undefined) await servers.put(id, { ...server, spec: { ...server.spec, rules } })
    },
    close: async () => undefined,
  }
}

/** The servers of a directory, for those who play or harm them. */
export function openServers(directory: string): Promise<Records<FakeServer>> {
  return openRecords(join(directory, 'servers'))
}

/** Stops a server as a crash of its machine would. */
export async function killFakeServer(directory: string, id: string, reason: string): Promise<void> {
  const servers = await openServers(directory)
  const server = await servers.get(id)
  if (server !== undefined) await servers.put(id, { ...server, stopped: reason })
}

/** What a server is at a moment. */
export function serverState(
  { spec, address, activeAt, boots, fault, stopped }: FakeServer,
  now: number,
): ServerState {
  const base = { id: spec.id, instanceId: spec.instanceId, name: spec.name, addresses: [address] }
  if (stopped !== null) return { ...base, status: 'SHUTDOWN', reason: stopped }
  if (fault === 'stuck') return { ...base, status: 'BUILD' }
  if (now < activeAt) return { ...base, status: boots > 1 ? 'REBOOT' : 'BUILD' }
  if (fault === 'error') return { ...base, status: 'ERROR', reason: 'the fake hypervisor refused it' }
  if (fault === 'dies' && boots === 1 && now >= activeAt + DIES_AFTER_MS) {
    return { ...base, status: 'SHUTDOWN', reason: 'the fake machine lost its power' }
  }
  return { ...base, status: 'ACTIVE' }
}

function refused(what: string): CofferError {
  return new CofferError('COMPUTE_REFUSED', `The fake compute driver was told to refuse this ${what}`)
}
