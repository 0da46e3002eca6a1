import { type Clock, systemClock } from '../../lib/clock.ts'
import { CofferError } from '../../lib/errors.ts'
import { connectEmbedded } from './embedded/client.ts'
import { embeddedAdmin } from './embedded/remote-admin.ts'
import { type EventLog, reasonOf, silentLog } from './log.ts'
import type { Connection, TransportAdmin } from './types.ts'
import { parseTransportUrl } from './url.ts'

export interface ConnectOptions {
  readonly clock?: Clock
  readonly log?: EventLog
  /** Name of a control process towards RabbitMQ, where credentials name no process. Default `control`. */
  readonly name?: string
  /** Wait that many milliseconds for the first connection, and fail without one. Default: do not wait. */
  readonly waitMs?: number
}

const isAmqp = (url: string): boolean => /^amqps?:\/\//.test(url)

/**
 * Connects a guest or a control process to the message broker: `coffer://identity:secret@host:port` to an embedded hub,
 * `amqp(s)://…` to RabbitMQ. The connection mends itself from then on.
 *
 * @throws CofferError TRANSPORT_URL_INVALID; TRANSPORT_UNAVAILABLE when `waitMs` passed without a connection
 */
export async function connectTransport(url: string, options: ConnectOptions = {}): Promise<Connection> {
  const { clock = systemClock, log = silentLog, name = 'control', waitMs } = options
  if (isAmqp(url)) {
    const { connectRabbit } = await import('./rabbitmq/connection.ts')
    const connection = connectRabbit(url, { clock, log, name })
    return await firstConnection(connection, connection.lastFailure, waitMs)
  }
  const connection = connectEmbedded(parseTransportUrl(url), { clock, log })
  return await firstConnection(connection, connection.lastFailure, waitMs)
}

export interface AdminOptions {
  /** As for `connectTransport`, of a control process. */
  readonly transportUrl: string
  /** RabbitMQ's management API, `http(s)://user:password@host:port`. */
  readonly transportAdminUrl?: string
  /** Where guests reach the broker, when not at the host and port of `transportUrl`. */
  readonly guestAddress?: { readonly host: string; readonly port: number }
  /** RabbitMQ with TLS: path inside the guest of the certificate authority's file. */
  readonly guestCaFile?: string
  readonly clock?: Clock
  readonly log?: EventLog
}

/**
 * The administrator's side for a process that does not hold the hub itself; the process of the hub uses `hub.admin`.
 * @throws CofferError TRANSPORT_URL_INVALID
 */
export async function transportAdmin(
  options: AdminOptions,
): Promise<TransportAdmin & { readonly close: () => Promise<void> }> {
  if (isAmqp(options.transportUrl)) {
    const { rabbitAdmin } = await import('./rabbitmq/admin.ts')
    return await rabbitAdmin(options)
  }
  return embeddedAdmin(parseTransportUrl(options.transportUrl), options)
}

async function firstConnection<T extends Connection>(
  connection: T,
  failure: () => Error | undefined,
  waitMs: number | undefined,
): Promise<T> {
  if (waitMs === undefined || connection.connected()) return connection
  let stop: () => void = () => undefined
  let timer: NodeJS.Timeout | undefined
  const connected = await new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), waitMs)
    stop = connection.onChange((now) => now && resolve(true))
  })
  stop()
  clearTimeout(timer)
  if (connected) return connection
  const cause = failure()
  await connection.close()
  throw new CofferError(
    'TRANSPORT_UNAVAILABLE',
    `The message broker cannot be reached: ${cause === undefined ? 'no answer in time' : reasonOf(cause)}.`,
    {
      hint: 'See whether the broker runs, and whether the transport_url of this process is still valid: a deleted instance loses its credential.',
      retryable: true,
      cause,
    },
  )
}
