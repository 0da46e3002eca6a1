import type { GuestDatabase, GuestUser } from '../rpc/guest-methods.ts'
import type { Flavor } from './flavor.ts'

/**
 * What the API leaves for the task manager, by kind of task (Trove contract §4.1). Kept in `tasks.args` as sealed JSON
 * text, since it holds passwords; the instance's id, tenant and the request id are columns of the task itself.
 */
export interface TaskArgs {
  readonly create_instance: CreateInstanceArgs
  readonly delete_instance: DeleteInstanceArgs
  readonly restart: RestartArgs
  readonly reboot: RebootArgs
  readonly apply_security_rules: ApplySecurityRulesArgs
}

export type TaskKind = keyof TaskArgs

export interface CreateInstanceArgs {
  readonly flavor: Flavor
  readonly databases: readonly GuestDatabase[]
  readonly users: readonly GuestUser[]
  /** Enables root with this password when the engine is up (option root_on_create). */
  readonly rootPassword?: string
  readonly availabilityZone?: string
  /** As the request had them (contract §1.3): what they mean is the compute driver's. */
  readonly nics?: readonly Readonly<Record<string, unknown>>[]
  readonly imageId: string
  readonly packages: readonly string[]
  readonly datastore: {
    readonly id: string
    readonly name: string
    readonly versionId: string
    readonly versionName: string
    readonly manager: string
  }
  /** GiB; null: no volume, the data stays on the root disk. */
  readonly volumeSize: number | null
}

export type DeleteInstanceArgs = Readonly<Record<string, never>>

/** Restarts the engine, not the server. */
export type RestartArgs = Readonly<Record<string, never>>

/** Reboots the server (management API). */
export type RebootArgs = Readonly<Record<string, never>>

/** Makes the server's reachable ports what the rows of its security group say. The instance's task stays as it is. */
export type ApplySecurityRulesArgs = Readonly<Record<string, never>>
