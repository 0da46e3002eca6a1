import type { JsonObject } from './types.ts'

/** A database as it travels to a guest (contract §4.3). */
export interface GuestDatabase {
  readonly _name: string
  readonly _character_set?: string
  readonly _collate?: string
}

/** A user as it travels to a guest. */
export interface GuestUser {
  readonly _name: string
  readonly _host?: string
  readonly _password?: string
  readonly _databases?: readonly GuestDatabase[]
}

/** A guest's data volume: where it is attached and mounted, and what file system a blank one gets. */
export interface VolumeArgs {
  /** Absent: the data stays on the root disk. */
  readonly device_path?: string
  readonly mount_point?: string
  readonly volume_fstype?: string
}

/** Arguments of `prepare`, the first message to every guest. */
export interface PrepareArgs extends VolumeArgs {
  readonly memory_mb: number
  readonly packages: readonly string[]
  readonly databases: readonly GuestDatabase[]
  readonly users: readonly GuestUser[]
  /** The rendered main configuration file of the datastore. */
  readonly config_contents: string
  readonly overrides?: string
  /** Enables root with this password. */
  readonly root_password?: string
}

/** How long an answer may take: Trove's two classes (contract §4.3, options agent_call_low/high_timeout). */
export const GUEST_CALL_TIMEOUT_MS = { low: 15_000, high: 180_000 } as const

interface GuestMethod {
  readonly kind: 'call' | 'cast'
  readonly timeout: keyof typeof GUEST_CALL_TIMEOUT_MS
  readonly lane: 'serial' | 'concurrent'
}

const call = (timeout: GuestMethod['timeout'], lane: GuestMethod['lane'] = 'serial'): GuestMethod => ({
  kind: 'call',
  timeout,
  lane,
})

/**
 * What a guest agent answers. Changes to users and databases are calls here, where Trove casts them and loses their errors;
 * the API still answers 202.
 */
export const GUEST_METHODS = {
  prepare: { kind: 'cast', timeout: 'high', lane: 'serial' },
  create_user: call('high'),
  delete_user: call('high'),
  change_passwords: call('high'),
  update_attributes: call('high'),
  get_user: call('low'),
  list_users: call('high'),
  list_access: call('low'),
  grant_access: call('high'),
  revoke_access: call('high'),
  create_database: call('high'),
  delete_database: call('high'),
  list_databases: call('low'),
  enable_root: call('high'),
  enable_root_with_password: call('high'),
  disable_root: call('high'),
  is_root_enabled: call('low'),
  restart: call('high'),
  stop_db: call('high'),
  get_volume_info: call('low', 'concurrent'),
  get_hwinfo: call('low', 'concurrent'),
  get_diagnostics: call('low', 'concurrent'),
  rpc_ping: call('low', 'concurrent'),
} as const satisfies Record<string, GuestMethod>

export type GuestMethodName = keyof typeof GUEST_METHODS

/**
 * Arguments by method, as JSON objects with these keys:
 *
 * | method | args | answer |
 * |---|---|---|
 * | create_user | users: GuestUser[] | – |
 * | delete_user | user: GuestUser | – |
 * | change_passwords | users: GuestUser[] | – |
 * | update_attributes | username, hostname, user_attrs: {name?, password?, host?} | – |
 * | get_user | username, hostname | GuestUser or null |
 * | list_users | limit, marker, include_marker | [GuestUser[], next marker or null] |
 * | list_access | username, hostname | GuestDatabase[] |
 * | grant_access | username, hostname, databases: string[] | – |
 * | revoke_access | username, hostname, database | – |
 * | create_database | databases: GuestDatabase[] | – |
 * | delete_database | database: GuestDatabase | – |
 * | list_databases | limit, marker, include_marker | [GuestDatabase[], next marker or null] |
 * | enable_root | – | GuestUser with _password |
 * | enable_root_with_password | root_password | GuestUser with _password |
 * | disable_root | – | – |
 * | is_root_enabled | – | boolean |
 * | restart | – | – |
 * | stop_db | do_not_start_on_reboot | – |
 * | get_volume_info | fs_path | {block_size, total_blocks, free_blocks, total (GB), free (bytes), used (GB)} |
 * | get_hwinfo | – | {mem_total, num_cpus} |
 * | get_diagnostics | – | {version, threads, fdSize, vmSize, vmPeak, vmRss, vmHwm} |
 * | rpc_ping | – | true |
 *
 * Errors carry the codes of model/faults: USER_NOT_FOUND, DATABASE_NOT_FOUND, USER_ALREADY_EXISTS,
 * DATABASE_ALREADY_EXISTS, DATASTORE_OPERATION_NOT_SUPPORTED, BAD_REQUEST, GUEST_ERROR.
 */
export type GuestArgs = JsonObject

/** What a guest may cast to the conductor (contract §4.2). */
export interface HeartbeatArgs {
  readonly instance_id: string
  readonly payload: {
    /** The description word of a service status. */
    readonly service_status?: string
    readonly volume_used?: number
    readonly volume_total?: number
    readonly agent_version?: string
    /** A sentence for a person: why the status is `failed to spawn` or `crashed`. */
    readonly reason?: string
  }
}
