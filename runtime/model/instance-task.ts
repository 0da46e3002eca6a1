/** What the control plane is doing with an instance (Trove contract §3.1). Stored as `instances.task_id`. */
export interface InstanceTask {
  readonly code: number
  /** Trove's action word: several codes share one, since a failed build is still a build. */
  readonly action: string
  readonly description: string
  /** The task ended in a failure that only a delete (or an administrator) clears. */
  readonly isError: boolean
}

const task = (code: number, action: string, description: string, isError = false): InstanceTask => ({
  code,
  action,
  description,
  isError,
})

export const INSTANCE_TASKS = {
  NONE: task(0x01, 'NONE', 'No tasks for the instance.'),
  DELETING: task(0x02, 'DELETING', 'Deleting the instance.'),
  REBOOTING: task(0x03, 'REBOOTING', 'Rebooting the instance.'),
  RESIZING: task(0x04, 'RESIZING', 'Resizing the instance.'),
  BUILDING: task(0x05, 'BUILDING', 'The instance is building.'),
  MIGRATING: task(0x06, 'MIGRATING', 'Migrating the instance.'),
  RESTART_REQUIRED: task(0x07, 'RESTART_REQUIRED', 'Instance requires a restart.'),
  PROMOTING: task(0x08, 'PROMOTING', 'Promoting the instance to replica source.'),
  EJECTING: task(0x09, 'EJECTING', 'Ejecting the replica source.'),
  LOGGING: task(0x0a, 'LOGGING', 'Transferring guest logs.'),
  DETACHING: task(0x0b, 'DETACHING', 'Detaching the instance from replica source.'),
  UPDATING: task(0x0c, 'UPDATING', 'Updating the instance.'),
  UPGRADING: task(0x59, 'UPGRADING', 'Upgrading the instance.'),
  BUILDING_ERROR_DNS: task(0x50, 'BUILDING', 'Build error: DNS.', true),
  BUILDING_ERROR_SERVER: task(0x51, 'BUILDING', 'Build error: Server.', true),
  BUILDING_ERROR_VOLUME: task(0x52, 'BUILDING', 'Build error: Volume.', true),
  BUILDING_ERROR_SEC_GROUP: task(0x53, 'BUILDING', 'Build error: Secgroup or rule.', true),
  BUILDING_ERROR_REPLICA: task(0x54, 'BUILDING', 'Build error: Replica.', true),
  PROMOTION_ERROR: task(0x55, 'PROMOTING', 'Replica Promotion Error.', true),
  EJECTION_ERROR: task(0x56, 'EJECTING', 'Replica Source Ejection Error.', true),
  // Kilo shares 0x54 with "Replica"; today's own code keeps the two apart (contract §3.1).
  BUILDING_ERROR_TIMEOUT_GA: task(0x5b, 'BUILDING', 'Build error: guestagent timeout.', true),
  BUILDING_ERROR_PORT: task(0x5c, 'BUILDING', 'Build error: Port.', true),
  UPDATING_ERROR_ACCESS: task(0x5d, 'UPDATING', 'Update error: Access.', true),
} as const satisfies Record<string, InstanceTask>

export type InstanceTaskName = keyof typeof INSTANCE_TASKS

const byCode = new Map<number, InstanceTask>(
  Object.values(INSTANCE_TASKS).map((entry) => [entry.code, entry]),
)

/** The task of a stored code; an unknown code (a newer version's) counts as NONE. */
export function instanceTask(code: number): InstanceTask {
  return byCode.get(code) ?? INSTANCE_TASKS.NONE
}
