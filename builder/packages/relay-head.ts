import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ContentMeta } from './fill.ts'
import { contentHeaders } from './serve.ts'
import type { Upstream } from './upstream.ts'

/**
 * Answers a HEAD request with the mirror's own headers.
 *
 * @param headers sent to the mirror
 * @throws CofferError `MIRROR_UNREACHABLE`, `MIRROR_REDIRECTS`
 */
export async function relayHead(
  url: string,
  headers: Readonly<Record<string, string>>,
  upstream: Upstream,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const head = await upstream.request({ url, method: 'HEAD', headers, signal })
  head.resume()
  const { 'content-length': length } = head.headers
  response.writeHead(head.statusCode ?? 502, head.statusMessage ?? '', {
    ...contentHeaders(metaOf(head), 'miss'),
    ...(length === undefined ? {} : { 'content-length': length }),
  })
  response.end()
}

function metaOf({ headers }: IncomingMessage): ContentMeta {
  const { etag, 'last-modified': lastModified, 'content-type': contentType } = headers
  return {
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
    ...(contentType === undefined ? {} : { contentType }),
  }
}
