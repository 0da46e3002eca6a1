import { CofferError } from '../../lib/errors.ts'

/** An error that the API shows as an OpenStack fault: status and text (Trove contract §1.1). */
interface FaultRule {
  readonly status: number
  /** `%(name)s` is replaced by the parameter of that name; clients and tests compare these texts literally. */
  readonly text: string
}

/**
 * Every error that may reach an API user, by stable code. Statuses that look wrong are Trove's own: quota is 413, a datastore
 * that does not exist is 400 where a create names it, a lack of rights is 401 in Kilo (contract §1.1, "Mapping rule").
 */
export const FAULTS = {
  BAD_REQUEST: { status: 400, text: '%(reason)s' },
  VALIDATION_ERROR: { status: 400, text: 'Validation error: %(reason)s' },
  UNAUTHORIZED: { status: 401, text: 'Authentication required' },
  ADMIN_REQUIRED: { status: 401, text: 'User does not have admin privileges.' },
  FORBIDDEN: { status: 401, text: '%(reason)s' },
  TENANT_MISMATCH: { status: 403, text: 'User with tenant id %(tenant)s cannot access this resource' },
  NOT_FOUND: { status: 404, text: 'Resource %(uuid)s cannot be found.' },
  ROUTE_NOT_FOUND: { status: 404, text: 'The resource could not be found.' },
  USER_NOT_FOUND: { status: 404, text: 'User %(uuid)s cannot be found on the instance.' },
  DATABASE_NOT_FOUND: { status: 404, text: 'Database %(uuid)s cannot be found on the instance.' },
  ROOT_HISTORY_NOT_FOUND: { status: 404, text: 'Root user has never been enabled on the instance.' },
  FLAVOR_NOT_FOUND: { status: 400, text: 'Resource %(uuid)s cannot be found.' },
  DATASTORE_NOT_FOUND: { status: 404, text: "Datastore '%(datastore)s' cannot be found." },
  DATASTORE_VERSION_NOT_FOUND: { status: 400, text: "Datastore version '%(version)s' cannot be found." },
  DATASTORE_NO_VERSION: { status: 400, text: "Datastore '%(datastore)s' has no version '%(version)s'." },
  DATASTORE_VERSION_INACTIVE: { status: 400, text: "Datastore version '%(version)s' is not active." },
  DATASTORE_DEFAULT_NOT_FOUND: {
    status: 400,
    text: "Please specify datastore. Default datastore '%(datastore)s' cannot be found.",
  },
  DATASTORE_DEFAULT_NOT_DEFINED: {
    status: 400,
    text: 'Please specify datastore. No default datastore is defined.',
  },
  DATASTORE_DEFAULT_VERSION_NOT_FOUND: {
    status: 400,
    text: "Default version for datastore '%(datastore)s' not found.",
  },
  DATASTORE_OPERATION_NOT_SUPPORTED: {
    status: 501,
    text: "The '%(operation)s' operation is not supported for the '%(datastore)s' datastore.",
  },
  NOT_IMPLEMENTED: { status: 501, text: '%(reason)s' },
  QUOTA_EXCEEDED: { status: 413, text: 'Quota exceeded for resources: %(overs)s.' },
  QUOTA_RESOURCE_UNKNOWN: { status: 404, text: 'Unknown quota resources %(unknown)s.' },
  QUOTA_LIMIT_TOO_SMALL: {
    status: 400,
    text: "Quota limit '%(limit)s' for '%(resource)s' is too small - must be at least '-1'.",
  },
  VOLUME_SIZE_NOT_SPECIFIED: { status: 400, text: 'Volume size was not specified.' },
  VOLUME_TOO_LARGE: {
    status: 413,
    text: "Volume 'size' cannot exceed maximum of %(max)s GB, %(size)s cannot be accepted.",
  },
  VOLUME_NOT_SUPPORTED: { status: 501, text: 'Volume support is not enabled.' },
  LOCAL_STORAGE_NOT_SPECIFIED: {
    status: 400,
    text: 'Local storage not specified in flavor ID: %(flavor)s.',
  },
  MISSING_KEY: { status: 400, text: 'Required element/key - %(key)s was not specified.' },
  DATABASE_ALREADY_EXISTS: { status: 400, text: 'A database with the name "%(name)s" already exists.' },
  USER_ALREADY_EXISTS: { status: 400, text: 'A user with the name "%(name)s" already exists.' },
  DATABASE_NOT_IN_LIST: {
    status: 400,
    text: 'The request indicates that user %(user)s should have access to database %(database)s, but database %(database)s is not included in the initial databases list.',
  },
  DATABASE_DUPLICATE: {
    status: 400,
    text: 'Two or more databases share the same name in the initial databases list. Please correct the names or remove the duplicate entries.',
  },
  USER_DUPLICATE: {
    status: 400,
    text: 'Two or more users share the same name and host in the initial users list. Please correct the names or remove the duplicate entries.',
  },
  INSTANCE_NOT_READY: { status: 422, text: 'Instance %(id)s is not ready.' },
  INSTANCE_NOT_AVAILABLE: {
    status: 422,
    text: 'Instance %(id)s is not currently available for an action to be performed (status was %(status)s).',
  },
  REPLICATION_NOT_SUPPORTED: {
    status: 400,
    text: "Replication is not supported for the '%(datastore)s' datastore.",
  },
  REPLICA_SOURCE_DELETE_FORBIDDEN: { status: 403, text: 'Detach replicas before deleting replica source.' },
  RATE_LIMITED: { status: 413, text: 'This request was rate-limited.' },
  UNSUPPORTED_CONTENT_TYPE: { status: 415, text: 'Unsupported Content-Type' },
  POLICY_NOT_AUTHORIZED: { status: 403, text: "Policy doesn't allow %(action)s to be performed." },
  CLUSTER_NOT_FOUND: { status: 404, text: "Cluster '%(cluster)s' cannot be found." },
  CLUSTER_INSTANCE_OPERATION_NOT_SUPPORTED: {
    status: 501,
    text: 'Operation not supported for instances that are part of a cluster.',
  },
  DATASTORE_VERSIONS_EXIST: {
    status: 400,
    text: 'Datastore versions exist for datastore %(datastore)s.',
  },
  DATASTORE_VERSION_ALREADY_EXISTS: {
    status: 400,
    text: "The datastore version '%(name)s(%(version)s)' already exists.",
  },
  DATASTORE_VERSION_IN_USE: { status: 400, text: 'Datastore version is in use by %(resource)s.' },
  SERVICE_UNAVAILABLE: {
    status: 503,
    text: 'The service cannot answer now: a part of it is out of reach. Try again in a moment.',
  },
  GUEST_ERROR: { status: 400, text: 'An error occurred communicating with the guest: %(reason)s.' },
  GUEST_TIMEOUT: { status: 400, text: 'Timeout trying to connect to the Guest Agent.' },
} as const satisfies Record<string, FaultRule>

export type FaultCode = keyof typeof FAULTS

/**
 * An error for an API user.
 *
 * @param parameters values for the text; a missing one is shown by its name, never by `undefined`
 */
export function fault(
  code: FaultCode,
  parameters: Readonly<Record<string, string | number>> = {},
): CofferError {
  const text = FAULTS[code].text.replace(/%\((\w+)\)s/g, (_, name: string) =>
    String(parameters[name] ?? name),
  )
  return new CofferError(code, text)
}

/** The rule of an error's code, or undefined for an error that users should not see. */
export function faultRule(error: unknown): FaultRule | undefined {
  if (!(error instanceof CofferError)) return undefined
  return Object.hasOwn(FAULTS, error.code) ? FAULTS[error.code as FaultCode] : undefined
}
