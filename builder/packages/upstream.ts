import http from 'node:http'
import https from 'node:https'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, getCACertificates } from 'node:tls'
import { CofferError } from '../../lib/errors.ts'
import { portOf } from './target.ts'
import { proxyFor, type UpstreamProxy } from './upstream-proxy.ts'

/** One request to a mirror. */
export interface UpstreamRequest {
  readonly url: string
  readonly method: 'GET' | 'HEAD'
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** The one door to the mirrors: keep-alive connections, redirects, proxies of the environment. */
export interface Upstream {
  /**
   * Sends a request and follows redirects. The caller reads or destroys the answer.
   *
   * @throws CofferError `MIRROR_UNREACHABLE` (retryable) when no answer came, `MIRROR_REDIRECTS` for a redirect that
   *   leads nowhere or from https to http.
   */
  readonly request: (request: UpstreamRequest) => Promise<http.IncomingMessage>
  /** Opens a byte pipe to `hostname:port`, for CONNECT. @throws CofferError `MIRROR_UNREACHABLE` */
  readonly tunnel: (hostname: string, port: number, signal: AbortSignal) => Promise<Socket>
  readonly close: () => void
}

/** Options of {@link openUpstream}. */
export interface UpstreamOptions {
  readonly proxies: UpstreamProxy
  /** Milliseconds of silence after which a connection counts as dead. */
  readonly idleMs: number
}

const MAX_REDIRECTS = 5
/** Parallel connections to one mirror: enough to hide latency, few enough to be a polite client. */
const MAX_SOCKETS = 8

/** Opens the door to the mirrors. */
export function openUpstream({ proxies, idleMs }: UpstreamOptions): Upstream {
  const agents = new Map<string, http.Agent>()

  function agentFor(url: URL): http.Agent {
    const proxy = proxyFor(url, proxies)?.href
    const key = `${url.protocol} ${proxy ?? ''}`
    const known = agents.get(key)
    if (known !== undefined) return known
    // The choice of proxy is ours (proxyFor); Node only speaks to the one it is given.
    const proxyEnv = proxy === undefined ? {} : { http_proxy: proxy, https_proxy: proxy }
    const settings = { keepAlive: true, maxSockets: MAX_SOCKETS, proxyEnv }
    const agent =
      url.protocol === 'https:'
        ? new https.Agent({ ...settings, ca: trustedCertificates() })
        : new http.Agent(settings)
    agents.set(key, agent)
    return agent
  }

  function once(url: URL, { method, headers, signal }: UpstreamRequest): Promise<http.IncomingMessage> {
    const client = url.protocol === 'https:' ? https : http
    return new Promise((resolve, reject) => {
      const request = client.request(url, { method, headers, signal, agent: agentFor(url) }, resolve)
      request.setTimeout(idleMs, () => request.destroy(new Error(`no data for ${idleMs / 1000} s`)))
      request.on('error', (error) => reject(unreachable(url.href, error)))
      request.end()
    })
  }

  return {
    async request(request) {
      let url = new URL(request.url)
      let headers = request.headers
      for (let hop = 0; ; hop++) {
        const answer = await once(url, { ...request, headers })
        const location = answer.headers.location
        if (![301, 302, 303, 307, 308].includes(answer.statusCode ?? 0) || location === undefined)
          return answer
        answer.destroy()
        const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined
        if (hop === MAX_REDIRECTS || next === undefined || !followable(url, next)) {
          throw new CofferError(
            'MIRROR_REDIRECTS',
            `${request.url} redirects to where it cannot be followed`,
            {
              hint: 'Set DIB_DISTRIBUTION_MIRROR to the address that the mirror redirects to.',
            },
          )
        }
        if (next.host !== url.host) headers = withoutCredentials(headers)
        url = next
      }
    },
    async tunnel(hostname, port, signal) {
      const url = new URL(`https://${hostname}:${port}/`)
      try {
        return await openTunnel(url, proxyFor(url, proxies), signal, idleMs)
      } catch (error) {
        if (error instanceof CofferError) throw error
        throw unreachable(`${hostname}:${port}`, error)
      }
    },
    close() {
      for (const agent of agents.values()) agent.destroy()
    },
  }
}

/** The reason of a failed connection in words, without the credentials that a proxy's URL may carry. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof AggregateError ? error.errors[0] : error
  const text = cause instanceof Error ? cause.message || String(cause) : String(cause)
  return text.replace(/\/\/[^/@\s]*@/g, '//')
}

function unreachable(what: string, error: unknown): CofferError {
  return new CofferError('MIRROR_UNREACHABLE', `${what} could not be reached: ${reasonOf(error)}`, {
    hint: 'Check the network, http_proxy and DIB_DISTRIBUTION_MIRROR, or build with --offline from a filled cache.',
    retryable: true,
  })
}

function followable(from: URL, to: URL): boolean {
  return to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:')
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'),
  )
}

/** Node's own list and the one of this machine, which holds a company's own authority. */
function trustedCertificates(): string[] {
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
}

async function openTunnel(
  url: URL,
  proxy: URL | undefined,
  signal: AbortSignal,
  idleMs: number,
): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (proxy === undefined)
    return await opened(connect({ host, port: portOf(url), signal }), 'connect', idleMs)
  const userinfo = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  const request = http.request({
    method: 'CONNECT',
    path: `${url.hostname}:${portOf(url)}`,
    headers: {
      host: `${url.hostname}:${portOf(url)}`,
      ...(userinfo === ':'
        ? {}
        : { 'proxy-authorization': `Basic ${Buffer.from(userinfo).toString('base64')}` }),
    },
    signal,
    createConnection: () => {
      const to = { host: proxy.hostname.replace(/^\[|\]$/g, ''), port: portOf(proxy) }
      return proxy.protocol === 'https:' ? connectTls({ ...to, servername: to.host }) : connect(to)
    },
  })
  request.end()
  return await new Promise((resolve, reject) => {
    request.setTimeout(idleMs, () => request.destroy(new Error(`no data for ${idleMs / 1000} s`)))
    request.on('error', reject)
    request.on('response', (answer) => {
      answer.destroy()
      reject(new Error(`the proxy answered ${answer.statusCode} ${answer.statusMessage}`))
    })
    request.on('connect', (answer, socket, head) => {
      if (answer.statusCode !== 200) {
        socket.destroy()
        reject(new Error(`the proxy answered ${answer.statusCode} ${answer.statusMessage}`))
        return
      }
      if (head.length > 0) socket.unshift(head)
      socket.setTimeout(0)
      resolve(socket as Socket)
    })
  })
}

function opened(socket: Socket, event: string, idleMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(idleMs, () => socket.destroy(new Error(`no data for ${idleMs / 1000} s`)))
    socket.once('error', reject)
    socket.once(event, () => {
      socket.setTimeout(0)
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
