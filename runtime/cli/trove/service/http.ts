import { readFileSync } from 'node:fs'
import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import { getCACertificates } from 'node:tls'
import type { Clock } from '../../../../lib/clock.ts'
import { CofferError } from '../../../../lib/errors.ts'
import { writeJson } from '../output/json.ts'
import type { Debug } from './debug.ts'
import type { Http, HttpReply, HttpRequest } from './types.ts'

/** How requests are made. */
export interface HttpOptions {
  readonly insecure: boolean
  readonly caFile: string | undefined
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
  /** Seconds for one request. */
  readonly timeout: number
  /** How often to try again when a service cannot be reached. */
  readonly retries: number
  readonly clock: Clock
  readonly debug: Debug | undefined
}

/** What goes to Node's TLS. */
interface TlsOptions {
  readonly rejectUnauthorized?: boolean
  readonly ca?: (string | Buffer)[]
  readonly cert?: Buffer
  readonly key?: Buffer
}

/** An answer larger than this is none of Trove's. */
const MAX_BYTES = 64 * 1024 * 1024

/**
 * Opens the door to the network. A connection that was refused is tried again for every method, since nothing was sent; one that
 * broke only for GET.
 *
 * @throws CofferError `SERVICE_UNREACHABLE` when no connection stands, `SERVICE_TIMEOUT` when the answer does not come in time,
 *   `FILE_UNREADABLE` for a certificate that cannot be read
 */
export function openHttp(options: HttpOptions): Http {
  const tls: TlsOptions = {
    rejectUnauthorized: !options.insecure,
    ...(options.caFile === undefined ? {} : { ca: [readPem(options.caFile)] }),
    ...(options.certFile === undefined ? {} : { cert: readPem(options.certFile) }),
    ...(options.keyFile === undefined ? {} : { key: readPem(options.keyFile) }),
  }
  return async (request) => {
    for (let attempt = 0; ; attempt++) {
      try {
        options.debug?.request(request)
        const reply = await send(
          request,
          request.url.startsWith('https:') ? trusting(tls) : {},
          options.timeout,
        )
        options.debug?.reply(reply)
        return reply
      } catch (error) {
        const again = request.method === 'GET' || codeOf(error) === 'ECONNREFUSED'
        if (!again || attempt >= options.retries) throw unreachable(request, error)
        await options.clock.sleep(Math.min(500 * 2 ** attempt, 10_000))
      }
    }
  }
}

/** Node trusts a list of its own; the authorities of this machine are trusted as well, as other clients do. */
function trusting(tls: TlsOptions): TlsOptions {
  if (tls.ca !== undefined || !tls.rejectUnauthorized) return tls
  return { ...tls, ca: [...getCACertificates('default'), ...getCACertificates('system')] }
}

function send(request: HttpRequest, tls: TlsOptions, timeout: number): Promise<HttpReply> {
  const url = new URL(request.url)
  const body = request.body === undefined ? undefined : Buffer.from(writeJson(request.body))
  return new Promise((resolve, reject) => {
    const open = url.protocol === 'https:' ? secure : plain
    const outgoing = open(
      url,
      {
        method: request.method,
        ...tls,
        headers: {
          accept: 'application/json',
          'user-agent': 'coffer-trove',
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': body.length }),
          ...request.headers,
        },
        signal: AbortSignal.timeout(timeout * 1000),
      },
      (incoming) => {
        const chunks: Buffer[] = []
        let size = 0
        incoming.on('data', (chunk: Buffer) => {
          chunks.push(chunk)
          size += chunk.length
          if (size > MAX_BYTES) incoming.destroy(new Error('the answer is too long'))
        })
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function unreachable(request: HttpRequest, error: unknown): CofferError {
  const where = new URL(request.url).origin
  const code = codeOf(error)
  if (code === 'ABORT_ERR' || (error instanceof Error && error.name === 'TimeoutError')) {
    return new CofferError('SERVICE_TIMEOUT', `${where} did not answer in time`, {
      hint: 'give it more time with --timeout <seconds>',
      retryable: true,
      cause: error,
    })
  }
  const certificate = code !== undefined && /CERT|SIGNED|SSL|TLS/.test(code)
  return new CofferError(
    'SERVICE_UNREACHABLE',
    `Unable to establish connection to ${where}: ${reasonOf(error)}`,
    {
      hint: certificate
        ? 'name the authority with --os-cacert <file>, or accept any certificate with --insecure'
        : 'start the services with "coffer up", or check OS_AUTH_URL',
      retryable: true,
      cause: error,
    },
  )
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

/** Node reports a host with several addresses as an AggregateError without a text. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  const code = codeOf(error)
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'no such host'
  if (code === 'ECONNRESET') return 'the connection broke'
  // Node adds an advice about Node behind a semicolon.
  return error instanceof Error ? (error.message.split(';')[0] ?? '') : String(error)
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new CofferError('FILE_UNREADABLE', `cannot read ${file}`, {
      hint: 'check the path and its permissions',
      cause: error,
    })
  }
}
