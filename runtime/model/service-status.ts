/** The database's own state as its guest agent reports it (Trove contract §3.2). */
export interface ServiceStatus {
  readonly code: number
  /** What a heartbeat carries and `service_statuses.status_description` stores. */
  readonly description: string
  /** What the API shows. */
  readonly apiStatus: string
  /** Whether an action may start while the service is in this state. */
  readonly allowsActions: boolean
}

const status = (
  code: number,
  description: string,
  apiStatus: string,
  allowsActions: boolean,
): ServiceStatus => ({ code, description, apiStatus, allowsActions })

export const SERVICE_STATUSES = {
  RUNNING: status(0x01, 'running', 'ACTIVE', true),
  BLOCKED: status(0x02, 'blocked', 'BLOCKED', true),
  PAUSED: status(0x03, 'paused', 'SHUTDOWN', false),
  SHUTDOWN: status(0x04, 'shutdown', 'SHUTDOWN', true),
  DELETED: status(0x05, 'deleted', 'DELETED', false),
  CRASHED: status(0x06, 'crashed', 'SHUTDOWN', true),
  FAILED: status(0x08, 'failed to spawn', 'FAILED', false),
  BUILDING: status(0x09, 'building', 'BUILD', false),
  PROMOTING: status(0x10, 'promoting replica', 'PROMOTE', false),
  EJECTING: status(0x11, 'ejecting replica source', 'EJECT', false),
  LOGGING: status(0x12, 'transferring guest logs', 'LOGGING', false),
  UNKNOWN: status(0x16, 'unknown', 'ERROR', false),
  NEW: status(0x17, 'new', 'NEW', false),
  FAILED_TIMEOUT_GUESTAGENT: status(0x18, 'guestagent error', 'ERROR', false),
  BUILD_PENDING: status(0x19, 'build pending', 'BUILD', false),
  RESTART_REQUIRED: status(0x20, 'restart required', 'RESTART_REQUIRED', true),
  HEALTHY: status(0x21, 'healthy', 'HEALTHY', true),
  UPGRADING: status(0x22, 'upgrading', 'UPGRADING', false),
} as const satisfies Record<string, ServiceStatus>

export type ServiceStatusName = keyof typeof SERVICE_STATUSES

const all: readonly ServiceStatus[] = Object.values(SERVICE_STATUSES)

/** The status of a stored code; an unknown one is UNKNOWN. */
export function serviceStatusOfCode(code: number): ServiceStatus {
  return all.find((entry) => entry.code === code) ?? SERVICE_STATUSES.UNKNOWN
}

/** The status that a heartbeat names, or undefined when no such word exists. */
export function serviceStatusOfDescription(description: string): ServiceStatus | undefined {
  return all.find((entry) => entry.description === description)
}
