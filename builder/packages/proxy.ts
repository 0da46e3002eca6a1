import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { resolve } from 'node:path'
import type { Duplex } from 'node:stream'
import { isErrno } from '../../lib/errors.ts'
import { sha256 } from '../../lib/hash.ts'
import type { Log } from '../../lib/log.ts'
import { type Answerer, answerer } from './answer.ts'
import { expectedDigests } from './expected.ts'
import type { Pins, Served } from './pins.ts'
import { sweepTemp } from './prune.ts'
import { RELEASE_DATE_PATH, releaseDates } from './release-dates.ts'
import { ClientGone, reasonPhrase, sendText } from './serve.ts'
import { openStore } from './store.ts'
import { hostAllowed, parseAuthority } from './target.ts'
import { openUpstream, reasonOf, type Upstream } from './upstream.ts'
import { type UpstreamProxy, upstreamProxyFrom } from './upstream-proxy.ts'

/** Options of {@link startAptProxy}. */
export interface AptProxyOptions {
  /** The store's directory; made if need be. */
  readonly cacheDir: string
  /** True serves the store only and never touches the network. */
  readonly offline: boolean
  /** Proxies on the way to the mirrors. Default: `http_proxy`, `https_proxy` and `no_proxy` of this process. */
  readonly upstreamProxy?: UpstreamProxy
  /** Hosts that may be asked, `host` or `host:port`; others get 403. Default: all. A redirect is followed anywhere. */
  readonly allowedHosts?: readonly string[]
  readonly log: Log
  readonly onEvent?: (event: ProxyEvent) => void
  /**
   * Called for every answer that a client got, in the order in which they were through; see {@link AptProxy.settled}.
   * The proxy's own refusals are none, nor is content that its own index disowns.
   */
  readonly onServed?: (served: Served) => void
  /** Called with a sentence for a person when pins, or the want of a tunnel, kept a file from a client. */
  readonly onRefused?: (reason: string) => void
  /** What addresses are pinned to. Asked once a request. */
  readonly pins?: Pins
  /** Milliseconds that a client waits in silence while a pinned file is downloaded. Default 20 000. */
  readonly patienceMs?: number
  /** False refuses CONNECT: what passes through a tunnel is seen by nobody. Default true. */
  readonly tunnels?: boolean
  /** Tries in all for one download, and the pause before the second. Default 4 and 500 ms, doubling. */
  readonly retry?: { readonly attempts?: number; readonly delayMs?: number }
  /** Milliseconds of silence after which a mirror counts as dead. Default 30 000. */
  readonly idleMs?: number
}

/** Something a build may want to show or count. */
export interface ProxyEvent {
  /** `different`: a download whose digest is not the promised one; `damaged`: a stored file that had changed on disk. */
  readonly kind:
    | 'hit'
    | 'miss'
    | 'revalidated'
    | 'retry'
    | 'failed'
    | 'refused'
    | 'not-in-cache'
    | 'different'
    | 'damaged'
  readonly url: string
}

/** Counters since the start. */
export interface ProxyStats {
  /** Answers from the store, or from a download that another request had started. */
  readonly hits: number
  /** Downloads. */
  readonly misses: number
  readonly bytesFromNetwork: number
  readonly bytesServed: number
}

/** A running proxy. */
export interface AptProxy {
  /** `http://127.0.0.1:PORT`, for `Acquire::http::Proxy`. */
  readonly url: string
  readonly stats: () => ProxyStats
  /** Waits until all answers that have begun are through and were told to `onServed`. */
  readonly settled: () => Promise<void>
  /** The newest `Date` of the Release files that clients got so far; also at {@link RELEASE_DATE_PATH}. */
  readonly newestReleaseDate: () => Promise<Date | undefined>
  /** Ends all connections and downloads; unfinished ones leave nothing behind. */
  readonly close: () => Promise<void>
}

/**
 * Starts a caching HTTP proxy for apt on loopback (ADR 0003).
 *
 * @throws an operating system's error when the store's directory cannot be made.
 */
export async function startAptProxy(options: AptProxyOptions): Promise<AptProxy> {
  const store = await openStore(options.cacheDir)
  await sweepTemp(options.cacheDir)
  const upstream = openUpstream({
    proxies: options.upstreamProxy ?? upstreamProxyFrom(process.env),
    idleMs: options.idleMs ?? 30_000,
  })
  const aborter = new AbortController()
  const expected = expectedDigests(options.cacheDir, store.blobPath, options.log)
  const event = (kind: ProxyEvent['kind'], url: string) => options.onEvent?.({ kind, url })
  const dates = releaseDates(store)
  const served = (answer: Served) => {
    dates.saw(answer)
    options.onServed?.(answer)
  }
  const answers = answerer({ options, store, upstream, expected, event, served, signal: aborter.signal })

  const open = new Set<Promise<void>>()
  const settled = async () => {
    await Promise.all(open)
  }
  const newestReleaseDate = async () => {
    await settled()
    return await dates.newest()
  }
  const server = createServer((request, response) => {
    if (request.url === RELEASE_DATE_PATH) {
      void newestReleaseDate().then(
        (date) => sendText(response, 200, date?.toISOString() ?? ''),
        (error: unknown) => sendText(response, 500, reasonOf(error)),
      )
      return
    }
    const answering = handle(answers, options.log, request, response)
    open.add(answering)
    void answering.finally(() => open.delete(answering))
  })
  // apt unpacks between two requests for longer than Node's five seconds.
  server.keepAliveTimeout = 120_000
  server.requestTimeout = 0
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    // apt sends up to ten requests ahead; each waits for its socket's end.
    socket.setMaxListeners(0)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    void tunnel({ options, upstream, event, signal: aborter.signal }, request, client, head)
  })
  await listen(server, usualPort(options.cacheDir))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    stats: answers.stats,
    settled,
    newestReleaseDate,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      aborter.abort()
      for (const socket of sockets) socket.destroy()
      await answers.settle()
      await settled()
      await expected.settle()
      upstream.close()
      await closed
    },
  }
}

/**
 * The port that builds with this store have as a rule: what they leave in a cached tree, the next one can use as it is. Below the
 * range from which the kernel gives out ports.
 */
function usualPort(cacheDir: string): number {
  return 20_000 + (Number.parseInt(sha256(resolve(cacheDir)).slice(0, 8), 16) % 10_000)
}

/** Listens on loopback, at any port when the usual one is taken. */
async function listen(server: Server, port: number): Promise<void> {
  const at = (wanted: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(wanted, '127.0.0.1', () => {
        server.off('error', reject)
        resolve()
      })
    })
  await at(port).catch(async (error: unknown) => {
    if (!isErrno(error, 'EADDRINUSE') && !isErrno(error, 'EACCES')) throw error
    await at(0)
  })
}

async function handle(
  answers: Answerer,
  log: Log,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { promise: gone, reject } = Promise.withResolvers<never>()
  gone.catch(() => undefined)
  const leave = () => reject(new ClientGone('the client closed the connection'))
  request.socket.once('close', leave)
  response.on('error', () => undefined)
  try {
    await answers.answer(request, response, gone)
  } catch (error) {
    if (error instanceof ClientGone) {
      response.destroy()
      return
    }
    // Too late for a status: a broken connection tells the client that the content is not whole.
    if (response.headersSent) request.socket.destroy()
    else sendText(response, 500, `The package proxy failed: ${reasonOf(error)}`)
    log.debug(`The package proxy could not finish ${request.url}: ${reasonOf(error)}`)
  } finally {
    request.socket.off('close', leave)
  }
}

interface TunnelContext {
  readonly options: AptProxyOptions
  readonly upstream: Upstream
  readonly event: (kind: ProxyEvent['kind'], url: string) => void
  readonly signal: AbortSignal
}

/** Serves CONNECT: apt's way through a proxy to an https mirror. What passes is encrypted and cannot be cached. */
async function tunnel(
  { options, upstream, event, signal }: TunnelContext,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): Promise<void> {
  client.on('error', () => client.destroy())
  const name = request.url ?? ''
  const refuse = (status: number, text: string) => {
    event(status === 504 ? 'not-in-cache' : status === 502 ? 'failed' : 'refused', `https://${name}/`)
    const body = `${text}\n`
    const headers = `Content-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n`
    client.end(`HTTP/1.1 ${status} ${reasonPhrase(text)}\r\n${headers}\r\n${body}`)
  }
  const authority = parseAuthority(name)
  if (authority === undefined) return refuse(400, 'CONNECT needs HOST:PORT')
  if (!hostAllowed(options.allowedHosts, authority.hostname, authority.port)) {
    return refuse(403, `${name} is not one of this build's package mirrors`)
  }
  if (options.tunnels === false) {
    const reason = `https://${name} would pass unseen, and a lock can hold only what is seen. Use an http mirror, or the address http://PROXY/https/${authority.hostname}/`
    options.onRefused?.(reason)
    return refuse(403, reason)
  }
  if (options.offline) {
    return refuse(
      504,
      `Offline: https://${name} passes through uncached. Use an http mirror, or the address http://PROXY/https/${authority.hostname}/`,
    )
  }
  try {
    const server = await upstream.tunnel(authority.hostname, authority.port, signal)
    server.on('error', () => client.destroy())
    server.on('close', () => client.destroy())
    client.on('close', () => server.destroy())
    signal.addEventListener('abort', () => server.destroy(), { once: true })
    client.write('HTTP/1.1 200 Connection established\r\n\r\n')
    server.write(head)
    client.pipe(server)
    server.pipe(client)
  } catch (error) {
    refuse(502, reasonOf(error))
  }
}
