import type { JsonObject, RpcRequest, RpcResponse } from './types.ts'

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** @returns undefined when the body is no request: nobody can be told, so it is dropped */
export function readRequest(body: string): RpcRequest | undefined {
  const value = parse(body)
  if (!isObject(value)) return undefined
  const { method, version, args, sent, requestId } = value
  if (typeof method !== 'string' || typeof version !== 'string' || !isObject(args)) return undefined
  if (typeof sent !== 'number') return undefined
  if (requestId !== undefined && typeof requestId !== 'string') return undefined
  return {
    method,
    version,
    args: args as JsonObject,
    sent,
    ...(requestId === undefined ? {} : { requestId }),
  }
}

/** @returns undefined when the body is no response */
export function readResponse(body: string): RpcResponse | undefined {
  const value = parse(body)
  if (!isObject(value)) return undefined
  if ('result' in value) return value as RpcResponse
  const { error } = value
  if (!isObject(error) || typeof error.code !== 'string' || typeof error.message !== 'string') {
    return undefined
  }
  return { error: { code: error.code, message: error.message, retryable: error.retryable === true } }
}

/** Same major number (contract §4). */
export function speaks(version: string, asked: string): boolean {
  return version.split('.')[0] === asked.split('.')[0]
}
