import { randomUUID } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import { type EventLog, reasonOf } from '../transport/log.ts'
import { identityOf, isReplyQueue } from '../transport/names.ts'
import type { Connection, Delivery, QueueName } from '../transport/types.ts'
import { faultOf, unknownMethod, versionMismatch } from './errors.ts'
import { createLanes } from './lanes.ts'
import { createMemory } from './memory.ts'
import { readRequest, speaks } from './messages.ts'
import type {
  Json,
  RpcMethod,
  RpcRequest,
  RpcResponse,
  RpcServer,
  RpcServerOptions,
  SeenJournal,
} from './types.ts'

const PREFETCH = 16
const STOP_GRACE_MS = 30_000

/** A message under way. A copy that arrives meanwhile takes over the duty to acknowledge. */
interface Job {
  delivery: Delivery
  readonly request: RpcRequest
  readonly key: string
}

/**
 * Answers the calls and casts that arrive in a queue.
 *
 * A message is acknowledged when its method has ended, well or not: a process that is killed meanwhile gets it again. What was
 * done is not done twice: copies are known by sender and id, within this process, and for casts across restarts where a
 * `seen` journal is given. A call past its deadline is not begun.
 *
 * @throws CofferError TRANSPORT_REFUSED when the queue may not be read
 */
export async function rpcServer(
  connection: Connection,
  queue: QueueName,
  options: RpcServerOptions,
  deps: { readonly clock: Clock; readonly log: EventLog; readonly seen?: SeenJournal },
): Promise<RpcServer> {
  const { methods, version, prefetch = PREFETCH, accepts = (sender) => sender.kind === 'control' } = options
  const { clock, log, seen } = deps
  const defaultCode = queue.startsWith('guestagent.') ? 'GUEST_ERROR' : 'RPC_ERROR'
  const lanes = createLanes()
  const memory = createMemory()
  const running = new Map<string, Job>()
  const ending = new AbortController()
  let stopping = false
  let unwelcome = 0

  const isCall = (job: Job): boolean => job.delivery.envelope.replyTo !== undefined
  const expired = ({ delivery }: Job): boolean =>
    (delivery.envelope.expiresAt ?? Number.POSITIVE_INFINITY) <= clock.now().getTime()

  function onDelivery(delivery: Delivery): void {
    // It stays unacknowledged, and goes back to the queue when the subscription ends.
    if (stopping) return
    const request = readable(delivery)
    if (request === undefined) {
      delivery.ack()
      return
    }
    const key = `${identityOf(delivery.sender)} ${delivery.envelope.id}`
    const twin = running.get(key)
    if (twin !== undefined) twin.delivery = delivery
    else if (memory.has(key)) repeat(delivery, key)
    else start({ delivery, request, key })
  }

  /** The request in a delivery, or undefined when there is none that this server takes. */
  function readable(delivery: Delivery): RpcRequest | undefined {
    if (!accepts(delivery.sender)) {
      unwelcome++
      log.warn(
        { queue, sender: identityOf(delivery.sender), unwelcome },
        'A message of a sender without rights was dropped',
      )
      return undefined
    }
    const request = readRequest(delivery.envelope.body)
    if (request === undefined) {
      log.warn({ queue, sender: identityOf(delivery.sender) }, 'A message that is no request was dropped')
    }
    return request
  }

  /** Done before: the answer may have been lost, the acknowledgement was. */
  function repeat(delivery: Delivery, key: string): void {
    const answer = memory.answer(key)
    if (answer !== undefined) void reply(delivery, answer)
    delivery.ack()
  }

  function start(job: Job): void {
    running.set(job.key, job)
    const method = Object.hasOwn(methods, job.request.method) ? methods[job.request.method] : undefined
    const work = () => runJob(job, method)
    if (method?.lane === 'serial') void inTurn(job, work)
    else void lanes.concurrent(work)
  }

  /** A call whose deadline passes while it waits for its turn leaves at once: it must not hold up others. */
  async function inTurn(job: Job, work: () => Promise<void>): Promise<void> {
    const { expiresAt } = job.delivery.envelope
    const left = expiresAt === undefined ? undefined : expiresAt - clock.now().getTime()
    let begun = false
    const leave = () => {
      if (!begun) settle(job, undefined)
    }
    const timer = left === undefined ? undefined : setTimeout(leave, Math.max(0, left))
    const skip = () => {
      begun = true
      clearTimeout(timer)
      return stopping || running.get(job.key) !== job
    }
    await lanes.serial(work, skip)
  }

  async function runJob(job: Job, method: RpcMethod | undefined): Promise<void> {
    const { request } = job
    if (expired(job)) {
      log.info({ queue, method: request.method }, 'A call past its deadline was not run')
      return settle(job, undefined)
    }
    try {
      if (!isCall(job) && (await seen?.has(job.key)) === true) return settle(job, undefined)
      const response = await attempt(job, method)
      if (isCall(job)) await reply(job.delivery, response)
      else await seen?.add(job.key)
      settle(job, isCall(job) ? response : undefined)
    } catch (error) {
      // The journal failed. What was done is done, and known to this process.
      log.error(
        { queue, method: request.method, reason: reasonOf(error) },
        'A message could not be journaled',
      )
      settle(job, undefined)
    }
  }

  async function attempt(job: Job, method: RpcMethod | undefined): Promise<RpcResponse> {
    const { request, delivery } = job
    try {
      if (!speaks(version, request.version)) throw versionMismatch(request.version, version)
      if (method === undefined) throw unknownMethod(request.method)
      const result: Json | undefined = await method.run(request.args, {
        messageId: delivery.envelope.id,
        sender: delivery.sender,
        sent: request.sent,
        requestId: request.requestId,
        signal: ending.signal,
      })
      return { result: result ?? null }
    } catch (error) {
      const fault = faultOf(error, defaultCode)
      const fields = { queue, method: request.method, requestId: request.requestId, ...fault }
      // The caller of a call is told; nobody is told of a cast.
      if (isCall(job)) log.info(fields, 'A call failed')
      else log.error(fields, 'A cast failed')
      return { error: fault }
    }
  }

  async function reply(delivery: Delivery, response: RpcResponse): Promise<void> {
    const { replyTo, id, expiresAt } = delivery.envelope
    // Nobody but a control process may be answered, and only where answers go.
    if (replyTo === undefined || !isReplyQueue(replyTo)) return
    try {
      await connection.publish(
        replyTo,
        {
          id: randomUUID(),
          body: JSON.stringify(response),
          persistent: false,
          correlationId: id,
          ...(expiresAt === undefined ? {} : { expiresAt }),
        },
        ending.signal,
      )
    } catch (error) {
      log.info({ queue, replyTo, reason: reasonOf(error) }, 'An answer could not be delivered')
    }
  }

  function settle(job: Job, answer: RpcResponse | undefined): void {
    if (running.get(job.key) !== job) return
    running.delete(job.key)
    memory.add(job.key, answer)
    job.delivery.ack()
  }

  const subscription = await connection.subscribe(queue, { prefetch }, onDelivery)
  return {
    async stop(graceMs = STOP_GRACE_MS) {
      if (stopping) return
      stopping = true
      let timer: NodeJS.Timeout | undefined
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, graceMs)
      })
      await Promise.race([lanes.idle(), patience])
      clearTimeout(timer)
      ending.abort()
      await subscription.cancel()
    },
  }
}
