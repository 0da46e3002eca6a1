import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../lib/clock.ts'
import { CofferError } from '../../../lib/errors.ts'
import { removeTree } from '../../../lib/tree.ts'
import { startAgent } from '../../guestagent/agent.ts'
import { configurationOf } from '../../guestagent/configuration.ts'
import type { ServiceControl } from '../../guestagent/service/service-control.ts'
import { openState } from '../../guestagent/state.ts'
import { rpcClient, rpcServer } from '../../rpc/index.ts'
import type { JsonObject } from '../../rpc/types.ts'
import { connectTransport } from '../../transport/index.ts'
import type { EventLog } from '../../transport/log.ts'
import type { Connection } from '../../transport/types.ts'
import { openFakeManager } from './fake-manager.ts'
import { faultsOf } from './faults.ts'
import { type FakeServer, openServers, serverState } from './index.ts'

export interface FleetOptions {
  /** The fake compute driver's directory. */
  readonly directory: string
  readonly clock: Clock
  readonly log: EventLog
  /** Time between two looks at the servers, in milliseconds. Default 100. */
  readonly lookMs?: number
  /** How a guest reaches the transport. Default: by the URL of its config drive. */
  readonly connect?: (url: string, instanceId: string) => Promise<Connection>
}

export interface Fleet {
  /** Guests that run now. */
  readonly size: () => number
  readonly stop: () => Promise<void>
}

interface Guest {
  readonly boots: number
  readonly stop: () => Promise<void>
}

/** How long a slow guest takes over `prepare`. */
const SLOW_MS = 1000

const FAKE_AGENT_VERSION = '0.0.0-fake'

/** Where the disk of a fake server is: the agent's and the engine's state. */
export const guestDirectory = (directory: string, serverId: string) => join(directory, 'guests', serverId)

/**
 * Plays the guests of the fake compute driver: the real guest agent, on the real transport, with an engine that is a file.
 * Watches the directory: every active server has a guest, a rebooted one a new guest on the same disk.
 */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { directory, clock, log, lookMs = 100 } = options
  const servers = await openServers(directory)
  const guests = new Map<string, Guest>()
  let stopping = false

  async function look(): Promise<void> {
    const now = clock.now().getTime()
    const active = new Map(
      (await servers.list())
        .filter((server) => serverState(server, now).status === 'ACTIVE')
        .map((server) => [server.spec.id, server]),
    )
    for (const [id, guest] of guests) {
      if (active.get(id)?.boots === guest.boots) continue
      guests.delete(id)
      await guest.stop()
      if ((await servers.get(id)) === undefined) await removeTree(guestDirectory(directory, id))
    }
    for (const [id, server] of active) {
      if (guests.has(id) || stopping) continue
      const { guest } = await faultsOf(directory, server.spec.instanceId)
      if (guest !== 'silent') guests.set(id, await boot(server, options))
    }
  }

  const loop = (async () => {
    while (!stopping) {
      await look().catch((error: unknown) =>
        log.error({ err: error }, 'The fake guests could not be looked after'),
      )
      await clock.sleep(lookMs)
    }
  })()

  return {
    size: () => guests.size,
    async stop() {
      stopping = true
      await loop
      await Promise.all([...guests.values()].map((guest) => guest.stop()))
    },
  }
}

/** Boots one guest: what systemd and the agent's entry point do in a real one. */
async function boot(
  { spec, boots }: FakeServer,
  { directory, clock, log, connect }: FleetOptions,
): Promise<Guest> {
  const { guestId, transportUrl, reportInterval } = configurationOf(Object.values(spec.files))
  const disk = guestDirectory(directory, spec.id)
  await mkdir(disk, { recursive: true, mode: 0o700 })
  await appendFile(join(directory, 'consoles', spec.id), `fake guest: boot ${boots}, agent starting\n`)
  const connection = await (connect ?? ((url) => connectTransport(url, { clock, log })))(
    transportUrl,
    guestId,
  )
  const rpc = rpcClient(connection, { name: `guest-${guestId}`, clock, log })
  const agent = await startAgent({
    guestId,
    agentVersion: FAKE_AGENT_VERSION,
    reportInterval,
    manager: await openFakeManager({
      directory: disk,
      async preparing() {
        const { guest } = await faultsOf(directory, spec.instanceId)
        if (guest === 'slow') await clock.sleep(SLOW_MS)
        if (guest === 'fails') throw new CofferError('GUEST_ERROR', 'the fake engine was told not to start')
      },
    }),
    service: noService,
    state: await openState(disk),
    serve: (queue, serving) => rpcServer(connection, queue, serving, { clock, log }),
    castHeartbeat: (args, signal) =>
      rpc.cast('trove-conductor', 'heartbeat', args as unknown as JsonObject, { signal }),
    clock,
    log,
  })
  return {
    boots,
    async stop() {
      await agent.stop(100)
      await rpc.close()
      await connection.close()
    },
  }
}

/** There is no systemd here, and no process of an engine. */
const noService: ServiceControl = {
  start: async () => undefined,
  stop: async () => undefined,
  permit: async () => undefined,
  state: async () => ({ active: 'inactive', sub: 'dead', mainPid: 0 }),
  lastWords: async () => '',
}
