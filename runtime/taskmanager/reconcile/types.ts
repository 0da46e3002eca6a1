import type { ServerState, VolumeState } from '../../compute/types.ts'
import type { InstanceRow, TaskState } from '../../db/types.ts'
import type { InstanceTaskName } from '../../model/instance-task.ts'

/** What should be there: the living instances, and what the journals know of those that something looks odd about. */
export interface Wanted {
  readonly instances: readonly InstanceRow[]
  /** By instance id; present for every instance id that {@link suspects} names. */
  readonly histories: ReadonlyMap<string, History>
}

/** What our own database remembers of one instance id. */
export interface History {
  /** Tasks, oldest first. */
  readonly tasks: readonly { readonly kind: string; readonly state: TaskState; readonly created: Date }[]
  /** Ids that our own journals chose: proof that we made what carries them. */
  readonly serverIds: readonly string[]
  readonly volumeIds: readonly string[]
  /** The row is there, marked deleted. */
  readonly isDeleted: boolean
}

/** What is there. */
export interface Seen {
  readonly servers: readonly ServerState[]
  readonly volumes: readonly VolumeState[]
  /** Instance ids that have a queue or a credential. */
  readonly guests: readonly string[]
}

/** What to do about a difference. `key` names the finding, for the grace period. */
export type Action = ActionBody & { readonly key: string }

export type ActionBody =
  | {
      readonly do: 'refresh'
      readonly instanceId: string
      readonly serverId: string
      readonly serverStatus: string
    }
  | { readonly do: 'startServer'; readonly instanceId: string; readonly serverId: string }
  /** For one that stays in error, as after a panic or on a disk that was full: nobody else would ever wake it. */
  | { readonly do: 'resetServer'; readonly instanceId: string; readonly serverId: string }
  | { readonly do: 'deleteServer'; readonly id: string; readonly instanceId: string }
  | { readonly do: 'deleteVolume'; readonly id: string; readonly instanceId: string }
  | { readonly do: 'deleteGuest'; readonly instanceId: string }
  | { readonly do: 'enqueueDelete'; readonly instanceId: string; readonly tenantId: string }
  | {
      readonly do: 'setTask'
      readonly instanceId: string
      readonly from: number
      readonly to: InstanceTaskName
      readonly fault: string
    }
  /** Nothing is done: a person must look. */
  | {
      readonly do: 'report'
      readonly what: 'server' | 'volume' | 'guest' | 'serverMissing'
      readonly id: string
      readonly instanceId: string
    }
