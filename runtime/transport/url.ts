import { CofferError } from '../../lib/errors.ts'

/** Where and as whom a process connects to the embedded hub. */
export interface EmbeddedAddress {
  /** `guest:<instance id>` or `control:<name>` */
  readonly identity: string
  readonly secret: string
  readonly host: string
  readonly port: number
}

const DEFAULT_PORT = 5671

/** `coffer://<identity>:<secret>@host:port`. Holds the secret. */
export function transportUrl(address: EmbeddedAddress): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `coffer://${address.identity}:${encodeURIComponent(address.secret)}@${host}:${address.port}`
}

/**
 * Reads a `coffer:` URL. The identity's own colon may be plain: the last colon before the `@` ends it.
 * @throws CofferError TRANSPORT_URL_INVALID; the message does not repeat the URL, which holds a secret
 */
export function parseTransportUrl(url: string): EmbeddedAddress {
  const match = /^coffer:\/\/([^@/]+):([^:@/]+)@(\[[0-9a-fA-F:.]+\]|[^:@/[\]]+)(?::(\d{1,5}))?\/?$/.exec(url)
  const [, identity = '', secret = '', host = '', port = String(DEFAULT_PORT)] = match ?? []
  if (match === null || Number(port) > 65_535) throw invalid()
  try {
    return {
      identity: decodeURIComponent(identity),
      secret: decodeURIComponent(secret),
      host: host.replace(/^\[|\]$/g, ''),
      port: Number(port),
    }
  } catch {
    throw invalid()
  }
}

function invalid(): CofferError {
  return new CofferError('TRANSPORT_URL_INVALID', 'The transport URL is not one that Coffer understands.', {
    hint: 'Give coffer://identity:secret@host:port or amqp(s)://user:password@host:port/vhost.',
  })
}
