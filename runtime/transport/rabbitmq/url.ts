import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { CofferError } from '../../../lib/errors.ts'
import { principalOf } from '../names.ts'
import type { Principal } from '../types.ts'
import { guestOfUser } from './topology.ts'

/** Where and as whom a process connects to RabbitMQ. */
export interface RabbitAddress {
  readonly protocol: 'amqp' | 'amqps'
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly vhost: string
  /** Certificate authority that signed the broker's certificate; the system's own when absent. */
  readonly caFile: string | undefined
}

/**
 * Reads `amqp(s)://user:password@host:port/vhost?ssl_ca_file=/path`. No path means the virtual host `/`.
 * @throws CofferError TRANSPORT_URL_INVALID; the message does not repeat the URL, which holds a secret
 */
export function parseAmqpUrl(url: string): RabbitAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const protocol = parsed?.protocol.slice(0, -1)
  if (parsed === undefined || (protocol !== 'amqp' && protocol !== 'amqps') || parsed.hostname === '') {
    throw new CofferError('TRANSPORT_URL_INVALID', 'The URL of RabbitMQ is not valid.', {
      hint: 'Give amqp(s)://user:password@host:port/vhost; write signs that are special in URLs as %XX.',
    })
  }
  return {
    protocol,
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: parsed.port === '' ? (protocol === 'amqps' ? 5671 : 5672) : Number(parsed.port),
    user: decodeURIComponent(parsed.username || 'guest'),
    password: decodeURIComponent(parsed.password || 'guest'),
    vhost:
      parsed.pathname === '' || parsed.pathname === '/' ? '/' : decodeURIComponent(parsed.pathname.slice(1)),
    caFile: parsed.searchParams.get('ssl_ca_file') ?? undefined,
  }
}

/** Holds the secret. */
export function formatAmqpUrl(address: RabbitAddress): string {
  const { protocol, port, user, password, vhost, caFile } = address
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  const query = caFile === undefined ? '' : `?ssl_ca_file=${encodeURIComponent(caFile)}`
  return `${protocol}://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${encodeURIComponent(vhost)}${query}`
}

/** Whom a user name speaks for. Any user that is no guest's is a control process's, of the name given. */
export function principalOfUser(user: string, name: string): Principal {
  const instanceId = guestOfUser(user)
  return instanceId === undefined || principalOf(`guest:${instanceId}`) === undefined
    ? { kind: 'control', name }
    : { kind: 'guest', instanceId }
}

/** Options of the socket: for amqps, whom to trust. */
export async function socketOptions(address: RabbitAddress): Promise<object> {
  const common = { timeout: 20_000, noDelay: true }
  if (address.protocol === 'amqp') return common
  const ca = address.caFile === undefined ? {} : { ca: await readFile(address.caFile) }
  // An address cannot be asked for by name (RFC 6066); it is checked against the certificate all the same.
  const name = isIP(address.host) === 0 ? { servername: address.host } : {}
  return { ...common, ...ca, ...name, minVersion: 'TLSv1.2' }
}
