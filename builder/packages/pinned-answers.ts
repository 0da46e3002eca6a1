import type { Answerer, Asked } from './answer.ts'
import type { Fill } from './fill.ts'
import { type PinnedAddress, pinnedContent, pinnedDownload, type Refusal } from './pinned-content.ts'
import { type Pin, type Served, servedContent } from './pins.ts'
import type { AptProxyOptions, ProxyEvent } from './proxy.ts'
import { type Origin, sendContent, sendText } from './serve.ts'
import type { Blob, Entry, Store } from './store.ts'

/** What {@link pinnedAnswers} works with. */
export interface PinnedAnswersContext {
  readonly options: AptProxyOptions
  readonly store: Store
  readonly event: (kind: ProxyEvent['kind'], url: string) => void
  readonly served: (served: Served) => void
  /** Starts a download, or joins the one that runs. */
  readonly download: (asked: Asked) => Fill
  /** Answers with a stored content. */
  readonly serveStored: (asked: Asked, entry: Entry, blob: Blob, origin: Origin) => Promise<void>
  /** Answers with what a mirror's failure was. @throws what is no such failure */
  readonly mirrorFailed: (asked: Asked, error: unknown) => undefined
  readonly onSent: (bytes: number) => void
}

/** Answers requests for addresses that something is pinned to. */
export function pinnedAnswers(
  context: PinnedAnswersContext,
): (asked: Asked, pin: Pin) => ReturnType<Answerer['answer']> {
  const { options, store, served } = context
  /** What the mirror has in place of the pinned content: that does not change back while the build runs. */
  const refusals = new Map<string, Refusal>()

  function refuse({ response, url }: Asked, status: number, reason: string): void {
    context.event(status === 504 ? 'not-in-cache' : 'refused', url)
    options.onRefused?.(reason)
    sendText(response, status, reason)
  }

  /**
   * apt gives up after 30 seconds without a byte, so a download that takes longer goes out while it comes, but for its last
   * byte: that must wait for the digest. A client that is left without it asks again, and hears why.
   */
  async function serveSlowly(asked: Asked, address: PinnedAddress, fill: Fill): Promise<void> {
    const { request, response, gone, key } = asked
    const follower = fill.follow()
    try {
      const head = await Promise.race([fill.head, gone])
      const length = head.kind === 'content' ? head.meta.length : undefined
      if (length !== undefined && length > 0 && request.method === 'GET') {
        response.writeHead(200, { 'content-length': length, 'x-coffer-cache': 'locked' })
        context.onSent(await sendContent(response, follower, { start: 0, end: length - 1 }, gone))
      }
      const found = await Promise.race([pinnedDownload(address, store, fill), gone])
      if (!response.headersSent) return await serveFound(asked, found)
      if ('reason' in found) {
        refusals.set(key, found)
        options.onRefused?.(found.reason)
        response.destroy()
        return
      }
      const { blob, entry } = found
      try {
        context.onSent(await sendContent(response, blob, { start: blob.size - 1, end: blob.size }, gone))
      } finally {
        await blob.close()
      }
      servedContent(served, asked, 200, entry.digest, blob.size)
      response.end()
    } finally {
      await follower.close()
    }
  }

  async function serveFound(
    asked: Asked,
    found: { readonly entry: Entry; readonly blob: Blob } | Refusal,
  ): Promise<void> {
    if ('blob' in found) return await context.serveStored(asked, found.entry, found.blob, 'locked')
    if (found.lasting) refusals.set(asked.key, found)
    refuse(asked, found.status, found.reason)
  }

  return async (asked, pin) => {
    const { response, url, key } = asked
    if (pin.kind === 'absent') {
      served({ url, status: pin.status })
      return sendText(response, pin.status, `The mirror did not have it when the lock was made: ${url}`)
    }
    if (pin.kind === 'refused') return refuse(asked, 403, pin.reason)
    const address = { url, key, pin }
    const found =
      refusals.get(key) ??
      (await pinnedContent(address, {
        store,
        offline: options.offline,
        patienceMs: options.patienceMs ?? 20_000,
        download: () => context.download(asked),
        gone: asked.gone,
      }).catch((error: unknown) => context.mirrorFailed(asked, error)))
    if (found === undefined) return
    if ('slow' in found) await serveSlowly(asked, address, found.slow)
    else await serveFound(asked, found)
  }
}
