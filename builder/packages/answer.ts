import type { IncomingMessage, ServerResponse } from 'node:http'
import { CofferError } from '../../lib/errors.ts'
import { openDownloads } from './downloads.ts'
import type { ExpectedDigests } from './expected.ts'
import type { Fill } from './fill.ts'
import { pinnedAnswers } from './pinned-answers.ts'
import { type Pin, type Served, servedContent } from './pins.ts'
import { entryKey, isImmutable } from './policy.ts'
import type { AptProxyOptions, ProxyEvent, ProxyStats } from './proxy.ts'
import { relayHead } from './relay-head.ts'
import { clientHasIt, contentHeaders, type Origin, requestedRange, sendContent, sendText } from './serve.ts'
import type { Blob, Entry, Store } from './store.ts'
import { hostAllowed, parseTarget } from './target.ts'
import type { Upstream } from './upstream.ts'

/** What {@link answerer} works with. */
export interface AnswererContext {
  readonly options: AptProxyOptions
  readonly store: Store
  readonly upstream: Upstream
  readonly expected: ExpectedDigests
  readonly event: (kind: ProxyEvent['kind'], url: string) => void
  readonly served: (served: Served) => void
  readonly signal: AbortSignal
}

/** Answers GET and HEAD requests. */
export interface Answerer {
  /** `gone` rejects when the client leaves. */
  readonly answer: (request: IncomingMessage, response: ServerResponse, gone: Promise<never>) => Promise<void>
  readonly stats: () => ProxyStats
  /** Waits for the downloads that run. */
  readonly settle: () => Promise<void>
}

/** A request that may be answered. */
export interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly gone: Promise<never>
  readonly url: string
  readonly key: string
  readonly pin: Pin | undefined
}

/** Decides, request by request, whether the store or a mirror answers. */
export function answerer(context: AnswererContext): Answerer {
  const { options, store, upstream, expected, event, served, signal } = context
  const counters = { hits: 0, misses: 0, bytesFromNetwork: 0, bytesServed: 0 }
  const downloads = openDownloads({
    ...context,
    onBytes: (count) => {
      counters.bytesFromNetwork += count
    },
  })

  const pinned = pinnedAnswers({
    ...context,
    download: (asked) => downloads.running(asked.key) ?? begin(asked, undefined),
    serveStored,
    mirrorFailed,
    onSent: (count) => {
      counters.bytesServed += count
    },
  })

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    gone: Promise<never>,
  ): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return sendText(response, 405, 'The package proxy serves GET and HEAD only')
    }
    const target = parseTarget(request.url ?? '')
    if (target === undefined) {
      return sendText(response, 400, 'This is a package proxy: ask for http://HOST/PATH or /https/HOST/PATH')
    }
    const { url } = target
    if (!hostAllowed(options.allowedHosts, target.hostname, target.port)) {
      event('refused', url)
      return sendText(response, 403, `${new URL(url).host} is not one of this build's package mirrors`)
    }
    const key = entryKey(url, request.headers.authorization)
    const asked = { request, response, gone, url, key, pin: options.pins?.(url) }
    if (asked.pin !== undefined) return await pinned(asked, asked.pin)
    const ending = downloads.running(key)
    if (ending?.receiving() === false) await ending.done
    const entry = store.find(asked.key)
    const blob = entry === undefined ? undefined : await openStored(entry)
    if (entry !== undefined && blob !== undefined) {
      if (options.offline) return await serveStored(asked, entry, blob, 'offline')
      if (!wantsFresh(request) && isImmutable(url)) {
        if ((await downloads.verdict(url, entry.digest)) !== 'different') {
          return await serveStored(asked, entry, blob, 'hit')
        }
        await blob.close()
        return await serveFromMirror(asked, undefined)
      }
      await blob.close()
    }
    if (options.offline) {
      const absent = store.absent(asked.key)
      if (absent !== undefined) {
        served({ url, status: absent })
        return sendText(response, absent, `Offline, and the mirror did not have it: ${url}`)
      }
      event('not-in-cache', url)
      return sendText(
        response,
        504,
        `Offline, and not in the cache: ${url} - hint: build once online to fill the cache`,
      )
    }
    if (request.method === 'HEAD') {
      const headers = upstreamHeaders(request, undefined)
      return await relayHead(url, headers, upstream, response, signal).catch((error: unknown) =>
        mirrorFailed(asked, error),
      )
    }
    await serveFromMirror(asked, blob === undefined || wantsFresh(request) ? undefined : entry)
  }

  async function openStored(entry: Entry): Promise<Blob | undefined> {
    const blob = await store.openBlob(entry)
    if (blob === undefined) event('damaged', entry.url)
    return blob
  }

  async function serveStored(asked: Asked, entry: Entry, blob: Blob, origin: Origin): Promise<void> {
    const { request, response, gone, url, key } = asked
    try {
      counters.hits += 1
      event(origin === 'revalidated' ? 'revalidated' : 'hit', url)
      // What a lock pins is not what the archive has now.
      if (origin !== 'locked') {
        expected.saw(url, entry.digest)
        store.touch(key)
      }
      const headers = { ...contentHeaders(entry, origin), 'accept-ranges': 'bytes' }
      if (clientHasIt(request.headers, entry)) {
        servedContent(served, asked, 304, entry.digest, blob.size)
        response.writeHead(304, headers).end()
        return
      }
      const range = requestedRange(request.headers, entry, blob.size)
      if (range === 'unsatisfiable') {
        response
          .writeHead(416, { ...headers, 'content-range': `bytes */${blob.size}`, 'content-length': 0 })
          .end()
        return
      }
      const { start, end } = range === 'whole' ? { start: 0, end: blob.size } : range
      response.writeHead(range === 'whole' ? 200 : 206, {
        ...headers,
        'content-length': end - start,
        ...(range === 'whole' ? {} : { 'content-range': `bytes ${start}-${end - 1}/${blob.size}` }),
      })
      if (request.method === 'GET') {
        const sent = await sendContent(response, blob, { start, end }, gone)
        counters.bytesServed += sent
      }
      servedContent(served, asked, range === 'whole' ? 200 : 206, entry.digest, blob.size)
      response.end()
    } finally {
      await blob.close()
    }
  }

  /** Asks the mirror, with the validators of what the store has, if it has something. */
  async function serveFromMirror(asked: Asked, stored: Entry | undefined): Promise<void> {
    const { request, response, gone, url, key } = asked
    const running = downloads.running(key)
    const fill = running ?? begin(asked, stored)
    const follower = fill.follow()
    try {
      const head = await Promise.race([fill.head, gone])
      if (head.kind === 'not-modified') {
        const entry = store.find(key)
        const blob = entry === undefined ? undefined : await openStored(entry)
        if (entry !== undefined && blob !== undefined)
          return await serveStored(asked, entry, blob, 'revalidated')
        // Pruned or damaged meanwhile.
        await fill.done
        return await serveFromMirror(asked, undefined)
      }
      if (head.kind === 'other') {
        if (head.status === 404 || head.status === 410) store.markAbsent(key, url, head.status)
        served({ url, status: head.status })
        response.writeHead(head.status, head.reason, {
          'content-length': head.body.length,
          ...(head.contentType === undefined ? {} : { 'content-type': head.contentType }),
        })
        response.end(head.body)
        return
      }
      if (running === undefined) counters.misses += 1
      else counters.hits += 1
      event(running === undefined ? 'miss' : 'hit', url)
      const headers = contentHeaders(head.meta, running === undefined ? 'miss' : 'hit')
      if (clientHasIt(request.headers, head.meta)) {
        const outcome = await fill.done
        if (outcome !== undefined) servedContent(served, asked, 304, outcome.sha256, outcome.size)
        response.writeHead(304, headers).end()
        return
      }
      const { length } = head.meta
      response.writeHead(200, { ...headers, ...(length === undefined ? {} : { 'content-length': length }) })
      const sent = await sendContent(response, follower, { start: 0, end: length }, gone)
      counters.bytesServed += sent
      response.end()
      // Its digest is known only when the download is through. A client refuses what is wrong, and may ask again.
      const outcome = await fill.done
      if (outcome !== undefined && outcome.kept !== 'wrong')
        servedContent(served, asked, 200, outcome.sha256, outcome.size)
    } catch (error) {
      mirrorFailed(asked, error)
    } finally {
      await follower.close()
    }
  }

  function mirrorFailed({ response, url }: Asked, error: unknown): undefined {
    if (!(error instanceof CofferError) || response.headersSent) throw error
    event('failed', url)
    options.log.warn(`A package mirror failed: ${error.message}`)
    sendText(response, 502, error.message)
  }

  function begin({ request, url, key, pin }: Asked, stored: Entry | undefined): Fill {
    return downloads.begin({ url, key, pin, headers: upstreamHeaders(request, stored) })
  }

  return {
    answer,
    stats: () => ({ ...counters }),
    settle: downloads.settle,
  }
}

/** `no-cache` asks for the mirror's own copy (`Acquire::http::No-Cache`): the way to replace a stored file by hand. */
function wantsFresh(request: IncomingMessage): boolean {
  return /no-cache/i.test(`${request.headers['cache-control'] ?? ''} ${request.headers.pragma ?? ''}`)
}

function upstreamHeaders(request: IncomingMessage, stored: Entry | undefined): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of ['user-agent', 'accept', 'authorization', 'cache-control'] as const) {
    const value = request.headers[name]
    if (value !== undefined) headers[name] = value
  }
  if (stored?.etag !== undefined) headers['if-none-match'] = stored.etag
  if (stored?.lastModified !== undefined) headers['if-modified-since'] = stored.lastModified
  return headers
}
