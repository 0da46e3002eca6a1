import type { FastifyRequest } from 'fastify'
import { CofferError } from '../../lib/errors.ts'
import type { InstanceRecord } from '../db/types.ts'
import { type FaultCode, fault } from '../model/faults.ts'
import { SERVICE_STATUSES, serviceStatusOfCode } from '../model/service-status.ts'
import { GUEST_METHODS, type GuestArgs, type GuestMethodName } from '../rpc/guest-methods.ts'
import type { Json } from '../rpc/types.ts'
import { guestQueue } from '../transport/types.ts'
import type { ApiDeps } from './deps.ts'

/** Faults that a guest may raise in its own words (runtime/rpc/guest-methods). */
const GUEST_FAULTS: ReadonlySet<string> = new Set([
  'USER_NOT_FOUND',
  'DATABASE_NOT_FOUND',
  'USER_ALREADY_EXISTS',
  'DATABASE_ALREADY_EXISTS',
  'DATASTORE_OPERATION_NOT_SUPPORTED',
  'BAD_REQUEST',
  'GUEST_ERROR',
] satisfies FaultCode[])

/** Statuses of a database that takes questions. */
const ANSWERING: readonly number[] = [SERVICE_STATUSES.RUNNING.code, SERVICE_STATUSES.HEALTHY.code]

/** What the answer to a user is when a guest does not answer, or says that something went wrong. */
function asFault(error: unknown): unknown {
  if (!(error instanceof CofferError)) return error
  if (error.code === 'RPC_TIMEOUT') return fault('GUEST_TIMEOUT')
  if (GUEST_FAULTS.has(error.code)) return error
  // The transport itself, not the guest: 503, since the same call may work in a moment.
  if (error.retryable && /^(TRANSPORT_|RPC_CLOSED$)/.test(error.code)) return error
  return fault('GUEST_ERROR', { reason: error.message.replace(/\.$/, '') })
}

/** @throws CofferError INSTANCE_NOT_READY (422) unless the engine runs (Trove contract §1.6) */
export function requireRunning(instance: InstanceRecord): void {
  const code = serviceStatusOfCode(instance.service_code).code
  if (!ANSWERING.includes(code)) throw fault('INSTANCE_NOT_READY', { id: instance.id })
}

/**
 * Asks the guest agent of an instance.
 *
 * @throws CofferError GUEST_TIMEOUT, GUEST_ERROR, or the guest's own fault
 */
export async function askGuest(
  request: FastifyRequest,
  deps: ApiDeps,
  instance: InstanceRecord,
  method: GuestMethodName,
  args: GuestArgs = {},
): Promise<Json> {
  const { agentCallHighTimeout, agentCallLowTimeout } = deps.settings
  const seconds = GUEST_METHODS[method].timeout === 'high' ? agentCallHighTimeout : agentCallLowTimeout
  try {
    const options = { timeoutMs: seconds * 1000, requestId: request.id }
    return await deps.rpc.call(guestQueue(instance.id), method, args, options)
  } catch (error) {
    throw asFault(error)
  }
}

/** @throws CofferError GUEST_ERROR: the guest said something that the method does not answer with */
export function malformed(method: GuestMethodName): CofferError {
  return fault('GUEST_ERROR', { reason: `the answer to ${method} is malformed` })
}
