import { randomUUID } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import { type EventLog, silentLog } from '../transport/log.ts'
import { guestOfQueue } from '../transport/names.ts'
import type {
  Connection,
  Delivery,
  Envelope,
  Principal,
  QueueName,
  Subscription,
} from '../transport/types.ts'
import { clientClosed, RemoteError, timedOut } from './errors.ts'
import { readResponse } from './messages.ts'
import type { CallOptions, CastOptions, Json, JsonObject, RpcClient, RpcRequest } from './types.ts'

/** The version that clients ask for. Raised in its minor by a new method, in its major by a changed one. */
export const RPC_VERSION = '1.0'

interface PendingCall {
  readonly queue: QueueName
  readonly resolve: (result: Json) => void
  readonly reject: (error: unknown) => void
}

/**
 * Calls and casts over a connection. The queue for answers is opened by the first call; guests, who only cast, have none.
 *
 * @param options.name tells the processes apart in queue names; a random part is added
 */
export function rpcClient(
  connection: Connection,
  options: { readonly name: string; readonly clock: Clock; readonly log?: EventLog },
): RpcClient {
  const { clock, log = silentLog } = options
  const replyTo: QueueName = `reply.${options.name}.${randomUUID()}`
  const pending = new Map<string, PendingCall>()
  let subscribed: Promise<Subscription> | undefined
  let over = false

  function onReply(delivery: Delivery): void {
    delivery.ack()
    const { correlationId, body } = delivery.envelope
    const call = pending.get(correlationId ?? '')
    // Late, or twice.
    if (call === undefined) return
    const response = readResponse(body)
    if (response === undefined || !mayAnswer(delivery.sender, call.queue)) {
      log.warn(
        { queue: call.queue, sender: delivery.sender },
        'An answer was dropped: not by whom the call went to',
      )
      return
    }
    if ('error' in response) call.reject(new RemoteError(response.error))
    else call.resolve(response.result)
  }

  /** Opens the queue for answers. A failure is not kept: the next call tries again. */
  function openReplies(): Promise<Subscription> {
    subscribed ??= connection.subscribe(replyTo, { prefetch: 256 }, onReply).catch((error: unknown) => {
      subscribed = undefined
      throw error
    })
    return subscribed
  }

  function requestBody(method: string, args: JsonObject, requestId: string | undefined): string {
    const request: RpcRequest = {
      method,
      version: RPC_VERSION,
      args,
      sent: clock.now().getTime() / 1000,
      ...(requestId === undefined ? {} : { requestId }),
    }
    return JSON.stringify(request)
  }

  function call(queue: QueueName, method: string, args: JsonObject, settings: CallOptions): Promise<Json> {
    const { timeoutMs, requestId, signal } = settings
    if (over) return Promise.reject(clientClosed())
    return new Promise<Json>((resolve, reject) => {
      const id = randomUUID()
      const ending = new AbortController()
      const finish = () => {
        pending.delete(id)
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        ending.abort()
      }
      const fail = (error: unknown) => {
        finish()
        reject(error)
      }
      const onAbort = () => fail(signal?.reason)
      const timer = setTimeout(() => fail(timedOut(queue, method, timeoutMs)), timeoutMs)
      if (signal?.aborted === true) return onAbort()
      signal?.addEventListener('abort', onAbort, { once: true })
      pending.set(id, {
        queue,
        reject: fail,
        resolve(result) {
          finish()
          resolve(result)
        },
      })
      const envelope: Envelope = {
        id,
        body: requestBody(method, args, requestId),
        persistent: false,
        replyTo,
        expiresAt: clock.now().getTime() + timeoutMs,
      }
      openReplies()
        .then(() => connection.publish(queue, envelope, ending.signal))
        .catch((error: unknown) => {
          if (pending.has(id)) fail(error)
        })
    })
  }

  return {
    call,
    async cast(queue, method, args, settings: CastOptions = {}) {
      if (over) throw clientClosed()
      const envelope: Envelope = {
        id: settings.id ?? randomUUID(),
        body: requestBody(method, args, settings.requestId),
        persistent: settings.transient !== true,
      }
      await connection.publish(queue, envelope, settings.signal)
    },
    async close() {
      if (over) return
      over = true
      for (const { reject } of [...pending.values()]) reject(clientClosed())
      await subscribed?.then(
        (subscription) => subscription.cancel(),
        () => undefined,
      )
    },
  }
}

/** An answer counts when it comes from whoever reads the queue that the call went to. */
function mayAnswer(sender: Principal, queue: QueueName): boolean {
  const instanceId = guestOfQueue(queue)
  if (instanceId === undefined) return sender.kind === 'control'
  return sender.kind === 'guest' && sender.instanceId === instanceId
}
