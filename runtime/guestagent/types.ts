import type { GuestDatabase, GuestUser, PrepareArgs, VolumeArgs } from '../rpc/guest-methods.ts'

/**
 * What a datastore's manager does inside a guest. Members: mysql, mariadb, postgresql, redis, and `fake` for tests. Each
 * passes the suite in test/contract/manager, against the real engine.
 *
 * What a manager MUST keep:
 * - Values reach the engine as bound parameters or as identifiers quoted by the engine's own rule, never pasted.
 * - Every method can be repeated: what is done already is not an error, unless Trove says so (USER_ALREADY_EXISTS …).
 * - An optional role that is absent means the engine has no such notion: the agent answers
 *   DATASTORE_OPERATION_NOT_SUPPORTED.
 * - Names, passwords and hosts come from outside; the API has checked their form, the manager still quotes them.
 */
export interface DatastoreManager {
  readonly name: string
  /**
   * The part of `prepare` that needs no word of the control plane: the volume, and the guest's own keys. It runs while the
   * agent is still on its way there. `prepare` finds it done, half done or not begun, and does the rest; both can be repeated.
   */
  readonly makeReady?: (volume: VolumeArgs, progress: (step: string) => void) => Promise<void>
  /** Brings the engine up on its volume, secured: the whole of `prepare` but databases and users. */
  readonly prepare: (args: PrepareArgs, progress: (step: string) => void) => Promise<void>
  readonly start: () => Promise<void>
  readonly stop: (options: { readonly doNotStartOnReboot: boolean }) => Promise<void>
  readonly restart: () => Promise<void>
  /** Asks the engine, not the process table. Answers within 10 s. */
  readonly status: () => Promise<'running' | 'blocked' | 'shutdown' | 'crashed'>
  /** Where the data lives: heartbeats measure this file system. */
  readonly dataPath: string
  readonly databases?: DatabaseRole
  readonly users?: UserRole
  readonly root?: RootRole
}

export interface Page {
  readonly limit: number
  /** Items after this name. */
  readonly marker?: string
  readonly includeMarker?: boolean
}

export interface DatabaseRole {
  readonly create: (databases: readonly GuestDatabase[]) => Promise<void>
  readonly delete: (database: GuestDatabase) => Promise<void>
  /** Sorted by name; the engine's own databases left out. @returns the page and the marker of the next one */
  readonly list: (page: Page) => Promise<readonly [readonly GuestDatabase[], string | null]>
}

export interface UserRole {
  readonly create: (users: readonly GuestUser[]) => Promise<void>
  readonly delete: (user: GuestUser) => Promise<void>
  readonly list: (page: Page) => Promise<readonly [readonly GuestUser[], string | null]>
  readonly get: (name: string, host: string) => Promise<GuestUser | null>
  readonly changePasswords: (users: readonly GuestUser[]) => Promise<void>
  readonly updateAttributes: (
    name: string,
    host: string,
    attributes: { readonly name?: string; readonly password?: string; readonly host?: string },
  ) => Promise<void>
  readonly access?: AccessRole
}

export interface AccessRole {
  readonly list: (name: string, host: string) => Promise<readonly GuestDatabase[]>
  readonly grant: (name: string, host: string, databases: readonly string[]) => Promise<void>
  readonly revoke: (name: string, host: string, database: string) => Promise<void>
}

export interface RootRole {
  /** @returns root's name and its new password: 36 characters unless one is given */
  readonly enable: (password?: string) => Promise<GuestUser>
  readonly disable: () => Promise<void>
  readonly isEnabled: () => Promise<boolean>
}
