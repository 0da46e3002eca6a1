import type { Clock } from '../../lib/clock.ts'
import type { Database } from '../db/types.ts'
import { SERVICE_STATUSES } from '../model/service-status.ts'
import { RPC_VERSION, rpcServer } from '../rpc/index.ts'
import type { JsonObject, RpcContext, RpcMethod, RpcServerOptions } from '../rpc/types.ts'
import { LIMITS } from '../transport/limits.ts'
import type { EventLog } from '../transport/log.ts'
import type { Connection } from '../transport/types.ts'
import { openBatch } from './batch.ts'
import { type HeardHeartbeat, readHeartbeat } from './heartbeat.ts'

/** How long a stop waits for the database, in milliseconds. */
const STOP_MS = 5000

/** What {@link startConductor} needs. */
export interface ConductorDeps {
  readonly db: Database
  /** The connection stays the caller's. */
  readonly connection: Connection
  readonly clock: Clock
  readonly log: EventLog
  /** Heartbeats written together, at most. Default 500, at most 1000. */
  readonly batchSize?: number
  /** How long a heartbeat waits for others, in milliseconds. Default 200. */
  readonly batchDelayMs?: number
}

/** What a conductor has done since it started. */
export interface ConductorStats {
  /** Messages of guests, of any method. */
  received: number
  /** Heartbeats that changed a status. */
  kept: number
  /** Heartbeats older than one kept before, or of an instance that is gone. */
  stale: number
  /** Messages that named another instance than their sender's, or could not be read. */
  refused: number
}

export interface Conductor {
  /** Writes what was heard, acknowledges it, and stops listening. */
  readonly stop: () => Promise<void>
  readonly stats: () => Readonly<ConductorStats>
}

/** Takes what guests report and keeps it in the database, many at a time (contract §4.2). */
export async function startConductor(deps: ConductorDeps): Promise<Conductor> {
  const { db, clock, log } = deps
  const size = Math.min(deps.batchSize ?? 500, LIMITS.prefetch)
  const stats: ConductorStats = { received: 0, kept: 0, stale: 0, refused: 0 }
  const reasons = reasonKeeper(db)

  const batch = openBatch<HeardHeartbeat>({
    size,
    delayMs: deps.batchDelayMs ?? 200,
    clock,
    log,
    async write(heard) {
      // The reason first: whoever sees the failed status looks for it.
      for (const one of heard) await reasons.keep(one)
      const kept = await db.statuses.applyHeartbeats(heard.map(({ heartbeat }) => heartbeat))
      stats.kept += kept
      stats.stale += heard.length - kept
    },
  })

  /** A method that acts for the guest which the broker authenticated, whatever the message claims. */
  const ofGuest =
    (work: (instanceId: string, args: JsonObject, context: RpcContext) => Promise<void>): RpcMethod['run'] =>
    async (args, context) => {
      stats.received += 1
      const { sender } = context
      if (sender.kind !== 'guest' || args.instance_id !== sender.instanceId) {
        stats.refused += 1
        const claims = String(args.instance_id).slice(0, 64)
        log.warn({ sender, claims }, 'A message that names another instance was dropped')
        return undefined
      }
      await work(sender.instanceId, args, context)
      return undefined
    }

  const options: RpcServerOptions = {
    version: RPC_VERSION,
    // Twice a batch, so that one fills while the other is written.
    prefetch: Math.min(size * 2, LIMITS.prefetch),
    accepts: (sender) => sender.kind === 'guest',
    methods: {
      heartbeat: {
        lane: 'concurrent',
        run: ofGuest(async (instanceId, args, { sent }) => {
          if (!Number.isFinite(sent)) log.error({ instanceId }, 'A heartbeat does not say when it was sent')
          const heard = readHeartbeat(instanceId, args, sent, clock.now().getTime() / 1000)
          if (heard === undefined) stats.refused += 1
          else await batch.add(heard)
        }),
      },
      report_root: {
        lane: 'concurrent',
        run: ofGuest(async (instanceId, { user }) => {
          await db.rootHistory.report(instanceId, typeof user === 'string' ? user.slice(0, 255) : 'root')
        }),
      },
      update_backup: {
        lane: 'concurrent',
        run: ofGuest(async (instanceId, { backup_id }) => {
          log.info(
            { instanceId, backup: String(backup_id).slice(0, 64) },
            'A report of a backup that nobody asked for was skipped',
          )
        }),
      },
    },
  }
  const server = await rpcServer(deps.connection, 'trove-conductor', options, { clock, log })

  return {
    stats: () => ({ ...stats }),
    async stop() {
      const closing = batch.close()
      // What could not be written is not acknowledged, and goes back to the queue.
      const written = new AbortController()
      await Promise.race([closing.finally(() => written.abort()), clock.sleep(STOP_MS, written.signal)])
      await server.stop(0)
    },
  }
}

/** Keeps a guest's reason for a failure as a fault of its instance, once for each new reason. */
function reasonKeeper(db: Database): { keep: (heard: HeardHeartbeat) => Promise<void> } {
  const told = new Map<string, string>()
  const isFailure = (code: number | undefined) =>
    code === SERVICE_STATUSES.FAILED.code || code === SERVICE_STATUSES.CRASHED.code
  return {
    async keep({ heartbeat: { instanceId, serviceCode }, reason }) {
      if (!isFailure(serviceCode)) {
        if (told.size > 0) told.delete(instanceId)
        return
      }
      if (reason === undefined || told.get(instanceId) === reason) return
      const record = await db.instances.get(instanceId)
      if (record === undefined) return
      if (record.fault?.message !== reason) {
        await db.instances.addFault(instanceId, reason, 'Reported by the guest agent')
      }
      told.set(instanceId, reason)
    },
  }
}
