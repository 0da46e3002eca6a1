import type { Clock } from '../../lib/clock.ts'
import { SERVICE_STATUSES } from '../model/service-status.ts'
import type { HeartbeatArgs } from '../rpc/guest-methods.ts'
import type { RpcServer, RpcServerOptions } from '../rpc/types.ts'
import type { EventLog } from '../transport/log.ts'
import { guestQueue, type QueueName } from '../transport/types.ts'
import { volumeFigures } from './machine/volume-figures.ts'
import { guestMethods } from './methods.ts'
import { type Report, startReporter } from './reporter.ts'
import type { ServiceControl } from './service/service-control.ts'
import type { AgentState } from './state.ts'
import type { DatastoreManager } from './types.ts'

/** The version of the guest API that this agent speaks; any minor of the same major is understood (contract §4). */
export const GUEST_API_VERSION = '1.0'

/** What an agent is put together from. */
export interface AgentParts {
  readonly guestId: string
  readonly agentVersion: string
  /** Seconds. */
  readonly reportInterval: number
  readonly manager: DatastoreManager
  readonly service: ServiceControl
  readonly state: AgentState
  /** The work of ahead.ts, which `prepare` waits for. */
  readonly ahead?: Promise<void>
  /** Serves methods to what arrives in a queue: `rpcServer` on the guest's connection. */
  readonly serve: (queue: QueueName, options: RpcServerOptions) => Promise<RpcServer>
  /** Sends a cast: `rpcClient` on the same connection. */
  readonly castHeartbeat: (args: HeartbeatArgs, signal: AbortSignal) => Promise<void>
  readonly clock: Clock
  readonly log: EventLog
}

/** A running agent. */
export interface Agent {
  /** Finishes what runs, for at most `graceMs`, and stops reporting. */
  readonly stop: (graceMs?: number) => Promise<void>
}

/** Reports the database's state and answers the control plane. */
export async function startAgent(parts: AgentParts): Promise<Agent> {
  const { manager, service, state, log } = parts
  const reporter = startReporter({
    guestId: parts.guestId,
    agentVersion: parts.agentVersion,
    intervalMs: parts.reportInterval * 1000,
    observe: () => observe(parts),
    volume: () => volumeFigures(manager.dataPath),
    cast: parts.castHeartbeat,
    clock: parts.clock,
    log,
  })
  const server = await parts.serve(guestQueue(parts.guestId), {
    version: GUEST_API_VERSION,
    methods: guestMethods({
      manager,
      service,
      state,
      reporter,
      ...(parts.ahead === undefined ? {} : { ahead: parts.ahead }),
      agentVersion: parts.agentVersion,
      log,
    }),
  })
  log.info({ manager: manager.name, version: parts.agentVersion }, 'The guest agent serves')
  return {
    async stop(graceMs) {
      reporter.stop()
      await server.stop(graceMs)
    },
  }
}

/** What there is to report: nothing before `prepare` and during it, then what the engine says (contract §4.3). */
async function observe({ manager, state }: AgentParts): Promise<Report | undefined> {
  const installation = state.installation()
  if (installation.stage === 'new' || installation.stage === 'preparing') return undefined
  if (installation.stage === 'failed') {
    return { status: SERVICE_STATUSES.FAILED.description, reason: installation.reason }
  }
  return { status: await manager.status() }
}
