import type { InstanceRecord, TaskRecord } from '../../db/types.ts'
import type { InstanceTaskName } from '../../model/instance-task.ts'
import type { Json } from '../../rpc/types.ts'
import type { EventLog } from '../../transport/log.ts'
import type { Services } from '../services.ts'
import type { Wait } from './wait.ts'

/** What a step remembers in the journal: ids it chose, what it found. Readable by whoever reads the database. */
export type StepData = Readonly<Record<string, Json>>

/**
 * One side effect of a flow.
 *
 * What a step MUST keep:
 * - Its name never changes: it is the key of the journal, and tasks outlive the version that began them.
 * - Ids of what it makes come from `choose`, which the journal keeps before `run` starts.
 * - `run` and `undo` can be repeated, also after a kill in the middle of either.
 * - Waits go through `context.wait`; whatever takes long is given `context.signal`.
 */
export interface Step<Args> {
  /** What is true once the step is done: `volume created`. */
  readonly name: string
  /** Milliseconds that the step may take, its retries included. */
  readonly deadlineMs: (services: Services, args: Args) => number
  /** Ids for what the step will make. */
  readonly choose?: (context: StepContext<Args>) => StepData
  /** True when a step that was begun before a kill had come to its end. */
  readonly isDone?: (context: StepContext<Args>) => Promise<boolean>
  /** @returns what else the journal should know */
  readonly run: (context: StepContext<Args>) => Promise<StepData | undefined>
  /** Removes what the step made, or may have made. */
  readonly undo?: (context: StepContext<Args>) => Promise<void>
  /** A failure is logged, and the flow goes on. */
  readonly bestEffort?: boolean
  /** The instance's task after a failure here; undefined leaves it as it is. */
  readonly onFailure?: (error: unknown) => InstanceTaskName | undefined
}

/** What is done for one kind of task, in order. */
export interface Flow<Args> {
  readonly kind: string
  readonly steps: readonly Step<Args>[]
  /** Tells whether the user has withdrawn the request: asked for at every step and probe. */
  readonly isCancelled?: (instance: InstanceRecord | undefined) => boolean
  /** Called once a failure is in the journal, before the undo. Can be repeated. */
  readonly failed?: (context: StepContext<Args>, failure: Failure) => Promise<void>
}

/** A failure, as the journal keeps it. */
export interface Failure {
  readonly step: string
  readonly code: string
  readonly message: string
  readonly hint: string | null
  /** The end of the server's console at that time. */
  readonly console: string | null
  /** The instance's task from then on. */
  readonly task: InstanceTaskName | null
}

/** What a step is told. */
export interface StepContext<Args> {
  readonly task: TaskRecord
  readonly args: Args
  readonly services: Services
  /** This step's own journal data. */
  readonly data: StepData
  /** Another step's journal data, if it was begun. */
  readonly dataOf: (step: string) => StepData | undefined
  /** The instance as it is now. @throws CofferError INSTANCE_GONE */
  readonly instance: () => Promise<InstanceRecord>
  /** Aborted when the lease is lost or the task manager stops. */
  readonly signal: AbortSignal
  readonly deadline: Date
  readonly log: EventLog
  readonly wait: <T>(wait: Wait<T>) => Promise<T>
}
