import type { IncomingMessage, ServerResponse } from 'node:http'
import { CofferError } from '../../lib/errors.ts'
import type { ExpectedDigests, Verdict } from './expected.ts'
import { type ContentMeta, type Fill, type Filled, startFill } from './fill.ts'
import { entryKey, indexPlace, isImmutable, isPackage, promisedDigest } from './policy.ts'
import type { AptProxyOptions, ProxyEvent, ProxyStats } from './proxy.ts'
import { clientHasIt, contentHeaders, type Origin, requestedRange, sendContent, sendText } from './serve.ts'
import type { Blob, Entry, Store } from './store.ts'
import { hostAllowed, parseTarget } from './target.ts'
import { reasonOf, type Upstream } from './upstream.ts'

/** What {@link answerer} works with. */
export interface AnswererContext {
  readonly options: AptProxyOptions
  readonly store: Store
  readonly upstream: Upstream
  readonly expected: ExpectedDigests
  readonly event: (kind: ProxyEvent['kind'], url: string) => void
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

interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly gone: Promise<never>
  readonly url: string
  readonly key: string
}

/** Decides, request by request, whether the store or a mirror answers. */
export function answerer(context: AnswererContext): Answerer {
  const { options, store, upstream, expected, event, signal } = context
  const fills = new Map<string, Fill>()
  const indexFills = new Set<Fill>()
  const counters = { hits: 0, misses: 0, bytesFromNetwork: 0, bytesServed: 0 }

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
    const asked = { request, response, gone, url, key: entryKey(url, request.headers.authorization) }
    const ending = fills.get(asked.key)
    if (ending?.receiving() === false) await ending.done
    const entry = store.find(asked.key)
    const blob = entry === undefined ? undefined : await openStored(entry)
    if (entry !== undefined && blob !== undefined) {
      if (options.offline) return await serveStored(asked, entry, blob, 'offline')
      if (!wantsFresh(request) && isImmutable(url)) {
        if ((await verdict(url, entry.digest)) !== 'different') {
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
        return sendText(response, absent, `Offline, and the mirror did not have it: ${url}`)
      }
      event('not-in-cache', url)
      return sendText(
        response,
        504,
        `Offline, and not in the cache: ${url} - hint: build once online to fill the cache`,
      )
    }
    if (request.method === 'HEAD') return await relayHead(asked)
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
      expected.saw(url, entry.digest)
      store.touch(key)
      const headers = { ...contentHeaders(entry, origin), 'accept-ranges': 'bytes' }
      if (clientHasIt(request.headers, entry)) {
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
      response.end()
    } finally {
      await blob.close()
    }
  }

  /** Asks the mirror, with the validators of what the store has, if it has something. */
  async function serveFromMirror(asked: Asked, stored: Entry | undefined): Promise<void> {
    const { request, response, gone, url, key } = asked
    const running = fills.get(key)
    const fill = running ?? beginFill(asked, stored)
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
        response.writeHead(304, headers).end()
        return
      }
      const { length } = head.meta
      response.writeHead(200, { ...headers, ...(length === undefined ? {} : { 'content-length': length }) })
      const sent = await sendContent(response, follower, { start: 0, end: length }, gone)
      counters.bytesServed += sent
      response.end()
    } catch (error) {
      if (!(error instanceof CofferError) || response.headersSent) throw error
      event('failed', url)
      options.log.warn(`A package mirror failed: ${error.message}`)
      sendText(response, 502, error.message)
    } finally {
      await follower.close()
    }
  }

  function beginFill({ request, url, key }: Asked, stored: Entry | undefined): Fill {
    const fill = startFill({
      url,
      headers: upstreamHeaders(request, stored),
      store,
      upstream,
      signal,
      attempts: options.retry?.attempts ?? 4,
      delayMs: options.retry?.delayMs ?? 500,
      wantSha512: promisedDigest(url)?.algorithm === 'sha512',
      onBytes: (count) => {
        counters.bytesFromNetwork += count
      },
      onRetry: (error) => {
        event('retry', url)
        options.log.debug(`Trying again: ${reasonOf(error)}`)
      },
      keep: (filled) =>
        keep(url, key, filled).catch((error: unknown) => {
          options.log.warn(`A download could not be kept in the package cache: ${url}: ${reasonOf(error)}`)
          return false
        }),
    })
    fills.set(key, fill)
    if (indexPlace(url) !== undefined) indexFills.add(fill)
    void fill.done.then(() => {
      fills.delete(key)
      indexFills.delete(fill)
    })
    return fill
  }

  async function keep(url: string, key: string, filled: Filled): Promise<boolean> {
    if (!filled.provenWhole) return false
    const promised = promisedDigest(url)
    const kept = promised === undefined || promised.digest === filled[promised.algorithm]
    if (!kept || (await verdict(url, filled.sha256)) === 'different') {
      event('different', url)
      options.log.warn(`A download has not the digest that the archive's index lists; it is not kept: ${url}`)
      return false
    }
    const { length: _, ...meta } = filled.meta
    const entry = {
      url,
      digest: filled.sha256,
      size: filled.size,
      ...meta,
      fetched: new Date().toISOString(),
    }
    store.commit(key, filled.temp, entry)
    expected.saw(url, filled.sha256)
    return true
  }

  /** The index's word on a package. An index that a client has whole may still be on its way into the store. */
  async function verdict(url: string, digest: string): Promise<Verdict> {
    if (!isPackage(url)) return 'unknown'
    await Promise.all([...indexFills].filter((fill) => !fill.receiving()).map((fill) => fill.done))
    return await expected.verdict(url, digest)
  }

  async function relayHead({ request, response, url }: Asked): Promise<void> {
    try {
      const headers = upstreamHeaders(request, undefined)
      const head = await upstream.request({ url, method: 'HEAD', headers, signal })
      head.resume()
      const { 'content-length': length, ...rest } = head.headers
      const meta: ContentMeta = {
        ...(rest.etag === undefined ? {} : { etag: rest.etag }),
        ...(rest['last-modified'] === undefined ? {} : { lastModified: rest['last-modified'] }),
        ...(rest['content-type'] === undefined ? {} : { contentType: rest['content-type'] }),
      }
      response.writeHead(head.statusCode ?? 502, head.statusMessage ?? '', {
        ...contentHeaders(meta, 'miss'),
        ...(length === undefined ? {} : { 'content-length': length }),
      })
      response.end()
    } catch (error) {
      if (!(error instanceof CofferError)) throw error
      event('failed', url)
      sendText(response, 502, error.message)
    }
  }

  return {
    answer,
    stats: () => ({ ...counters }),
    async settle() {
      await Promise.all([...fills.values()].map((fill) => fill.done))
    },
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
