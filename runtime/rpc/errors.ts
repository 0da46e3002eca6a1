import { CofferError } from '../../lib/errors.ts'
import type { RpcResponse } from './types.ts'

export type RpcFault = Extract<RpcResponse, { error: unknown }>['error']

/** An error that the other side answered with: its code, its text. */
export class RemoteError extends CofferError {
  constructor(fault: RpcFault) {
    super(fault.code, fault.message, { retryable: fault.retryable })
    this.name = 'RemoteError'
  }
}

export function timedOut(queue: string, method: string, timeoutMs: number): CofferError {
  return new CofferError('RPC_TIMEOUT', `${queue} did not answer ${method} within ${timeoutMs / 1000} s.`, {
    hint: 'See whether the process that reads this queue runs; for a guest, whether its heartbeats arrive.',
    retryable: true,
  })
}

export function clientClosed(): CofferError {
  return new CofferError('RPC_CLOSED', 'The RPC client was closed before the answer came.', {
    retryable: true,
  })
}

export function unknownMethod(method: string): CofferError {
  return new CofferError('RPC_UNKNOWN_METHOD', `There is no method ${method.slice(0, 100)}.`, {
    hint: 'Control plane and guest agent may be of different versions: rebuild the guest image.',
  })
}

export function versionMismatch(asked: string, spoken: string): CofferError {
  return new CofferError(
    'RPC_VERSION',
    `Version ${asked.slice(0, 20)} was asked for; this side speaks ${spoken}.`,
    {
      hint: 'Control plane and guest agent are of different major versions: rebuild the guest image.',
    },
  )
}

/**
 * What an error becomes on the wire. Errors that are not ours keep their message and lose their stack.
 * @param code for errors without a code of their own
 */
export function faultOf(error: unknown, code: string): RpcFault {
  if (error instanceof CofferError) {
    return { code: error.code, message: error.message, retryable: error.retryable }
  }
  return { code, message: error instanceof Error ? error.message : String(error), retryable: false }
}
