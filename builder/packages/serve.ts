import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { giveBuffer, takeBuffer } from './buffer-pool.ts'
import type { ContentMeta } from './fill.ts'
import type { Source } from './store.ts'

/** Where an answer's content came from; clients see it in the header `X-Coffer-Cache`. */
export type Origin = 'hit' | 'revalidated' | 'offline' | 'miss' | 'locked'

/** A span of bytes, `end` excluded. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** The client went away before it had everything. */
export class ClientGone extends Error {}

/**
 * Reads a `Range` header for content of `size` bytes. One range of bytes is served; more than one, another unit, and an
 * `If-Range` that does not name this very content get the whole content, as HTTP allows.
 *
 * @returns `whole`, `unsatisfiable` (416) or the span.
 */
export function requestedRange(
  headers: IncomingHttpHeaders,
  meta: ContentMeta,
  size: number,
): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '')
  const [, first = '', last = ''] = match ?? []
  if (match === null || (first === '' && last === '')) return 'whole'
  const condition = headers['if-range']
  if (condition !== undefined && condition !== meta.etag && condition !== meta.lastModified) return 'whole'
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  return start >= size || end <= start ? 'unsatisfiable' : { start, end }
}

/** True when the client's own copy, named by `If-None-Match` or `If-Modified-Since`, is the current one. */
export function clientHasIt(headers: IncomingHttpHeaders, meta: ContentMeta): boolean {
  const tags = headers['if-none-match']
  if (tags !== undefined) {
    return meta.etag !== undefined && tags.split(',').some((tag) => tag.trim() === meta.etag)
  }
  const since = Date.parse(headers['if-modified-since'] ?? '')
  const modified = Date.parse(meta.lastModified ?? '')
  return modified <= since
}

/** The headers of an answer with content. */
export function contentHeaders(meta: ContentMeta, origin: Origin): Record<string, string> {
  return {
    'x-coffer-cache': origin,
    ...(meta.etag === undefined ? {} : { etag: meta.etag }),
    ...(meta.lastModified === undefined ? {} : { 'last-modified': meta.lastModified }),
    ...(meta.contentType === undefined ? {} : { 'content-type': meta.contentType }),
  }
}

/**
 * Sends content from `start` to `end` (to its own end if undefined). Reads the next piece while the last one is on its
 * way, from two buffers, so that memory stays the same whatever the size.
 *
 * @returns the number of bytes sent.
 * @throws ClientGone when the connection ends first.
 */
export async function sendContent(
  response: ServerResponse,
  source: Source,
  { start, end }: { readonly start: number; readonly end: number | undefined },
  gone: Promise<never>,
): Promise<number> {
  const buffers: Buffer[] = []
  let position = start
  let flushed: Promise<void> = Promise.resolve()
  for (let turn = 0; end === undefined || position < end; turn++) {
    const buffer = buffers[turn % 2] ?? takeBuffer()
    buffers[turn % 2] = buffer
    const wanted = end === undefined ? buffer.length : Math.min(buffer.length, end - position)
    const count = await Promise.race([source.read(buffer.subarray(0, wanted), position), gone])
    if (count === 0) {
      if (end === undefined) break
      throw new Error(`content ended at ${position} of ${end} bytes`)
    }
    await Promise.race([flushed, gone])
    flushed = write(response, buffer.subarray(0, count))
    position += count
  }
  await Promise.race([flushed, gone])
  // Only now: after a failure the kernel may still read from a buffer.
  for (const buffer of buffers) giveBuffer(buffer)
  return position - start
}

function write(response: ServerResponse, piece: Uint8Array): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  response.write(piece, (error) => (error ? reject(new ClientGone(error.message)) : resolve()))
  promise.catch(() => undefined)
  return promise
}

/** Ends an answer with a text for a person. apt shows only the reason of the status line, so that carries the text too. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, reasonPhrase(text), {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(`${text}\n`),
  })
  response.end(`${text}\n`)
}

/** Text that fits a status line: printable ASCII on one line. */
export function reasonPhrase(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 400)
}
