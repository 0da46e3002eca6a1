import type { Principal, QueueName } from '../transport/types.ts'

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

/** What travels as an envelope's body. */
export interface RpcRequest {
  readonly method: string
  /** `major.minor`; a server takes any minor of its major (contract §4). */
  readonly version: string
  readonly args: JsonObject
  /** Seconds since the epoch by the sender's clock, fraction included: the staleness rule reads it (contract §4.2). */
  readonly sent: number
  /** The API request that all this is for: `req-…`. */
  readonly requestId?: string
}

export type RpcResponse =
  | { readonly result: Json }
  | { readonly error: { readonly code: string; readonly message: string; readonly retryable: boolean } }

export interface CallOptions {
  readonly timeoutMs: number
  readonly requestId?: string
  readonly signal?: AbortSignal
}

export interface CastOptions {
  /** True for news that the next one replaces, such as heartbeats: a restart of the broker may lose it. Default false. */
  readonly transient?: boolean
  /** Give the message an id of your own, so that sending it again does nothing. */
  readonly id?: string
  readonly requestId?: string
  readonly signal?: AbortSignal
}

export interface RpcClient {
  /**
   * Sends and waits for the answer.
   * @throws CofferError RPC_TIMEOUT when no answer came in time; else an error with the code and text of the other side.
   */
  readonly call: (queue: QueueName, method: string, args: JsonObject, options: CallOptions) => Promise<Json>
  /** Sends. Resolves once the broker holds the message. */
  readonly cast: (queue: QueueName, method: string, args: JsonObject, options?: CastOptions) => Promise<void>
  readonly close: () => Promise<void>
}

/** What a method is told of the message that called it. */
export interface RpcContext {
  readonly messageId: string
  readonly sender: Principal
  readonly sent: number
  readonly requestId: string | undefined
  readonly signal: AbortSignal
}

export interface RpcMethod {
  /** `serial` methods run one after another in order of arrival; `concurrent` ones at once. */
  readonly lane: 'serial' | 'concurrent'
  readonly run: (args: JsonObject, context: RpcContext) => Promise<Json | undefined>
}

export interface RpcServerOptions {
  readonly version: string
  readonly methods: Readonly<Record<string, RpcMethod>>
  /** Messages not yet acknowledged at a time. Default 16. */
  readonly prefetch?: number
  /** Who may call. Others are dropped and counted. Default: control only. */
  readonly accepts?: (sender: Principal) => boolean
}

/**
 * Casts that were finished, kept across restarts: a guest agent must not prepare its database twice. A cast that was begun
 * and not finished is not in it, and is run again.
 */
export interface SeenJournal {
  readonly has: (key: string) => Promise<boolean>
  readonly add: (key: string) => Promise<void>
}

export interface RpcServer {
  /** Takes no new message, waits for the running ones (at most `graceMs`), then unsubscribes. */
  readonly stop: (graceMs?: number) => Promise<void>
}
