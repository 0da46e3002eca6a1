import type { Clock } from '../../lib/clock.ts'
import type { Sealer } from '../../lib/seal.ts'
import type { ComputeDriver } from '../compute/types.ts'
import type { Database } from '../db/types.ts'
import type { Flavor } from '../model/flavor.ts'
import type { RpcClient } from '../rpc/types.ts'
import type { Settings } from '../settings/types.ts'
import type { EventLog } from '../transport/log.ts'
import type { TransportAdmin } from '../transport/types.ts'

/** What the steps of every flow work with. */
export interface Services {
  readonly db: Database
  readonly compute: ComputeDriver
  readonly rpc: RpcClient
  readonly admin: TransportAdmin
  readonly images: ImageLocator
  readonly renderConfig: ConfigRenderer
  readonly settings: Settings
  readonly seal: Sealer
  readonly clock: Clock
  readonly log: EventLog
  readonly timings: Timings
  /** Called at each point where a kill would hurt most. Only tests pass one. */
  readonly faultPoint?: (name: string) => Promise<void> | void
}

export interface ImageLocator {
  /** @throws CofferError when the image is missing or its digest is not what it was */
  readonly locate: (imageId: string) => Promise<{ readonly path: string; readonly format: 'qcow2' | 'raw' }>
}

/** Gives the main configuration file of a datastore, sized for the flavor (contract §6.6). */
export type ConfigRenderer = (input: {
  readonly manager: string
  readonly datastore: string
  readonly version: string
  readonly flavor: Flavor
  readonly instanceId: string
}) => Promise<string> | string

/** Intervals, in milliseconds, that tests make short. */
export interface Timings {
  /** Between looks for new tasks; a nudge by message comes at once. */
  readonly pollMs: number
  /** After so long without a renewal another task manager may take a task. */
  readonly leaseMs: number
  /** Between two probes of a wait. */
  readonly probeMs: number
  /** Between two looks, within a wait, at whether the server lives and the request still stands. */
  readonly lookMs: number
  /** First pause before a retry; doubles up to `retryMaxMs`. */
  readonly retryMs: number
  readonly retryMaxMs: number
  /** How long one undo may take. */
  readonly undoMs: number
  /** What a wait still gets when it resumes after its deadline has passed. */
  readonly resumeMs: number
  readonly reconcileMs: number
  /** So long something must look wrong before the reconciler acts on it. */
  readonly graceMs: number
  /** How long an orderly stop waits for running steps. */
  readonly stopMs: number
}

export const DEFAULT_TIMINGS: Timings = {
  pollMs: 1500,
  leaseMs: 15_000,
  probeMs: 250,
  lookMs: 2000,
  retryMs: 500,
  retryMaxMs: 10_000,
  undoMs: 60_000,
  resumeMs: 30_000,
  reconcileMs: 30_000,
  graceMs: 60_000,
  stopMs: 5000,
}
