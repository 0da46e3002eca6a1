import { openDownloads } from './downloads.ts'
import { expectedDigests } from './expected.ts'
import { entryKey, isImmutable } from './policy.ts'
import type { AptProxyOptions } from './proxy.ts'
import { type Entry, openStore, type Store } from './store.ts'
import { openUpstream } from './upstream.ts'
import { upstreamProxyFrom } from './upstream-proxy.ts'

/** What an address has now: an entry of the store, or the status that came in its place. */
export type Fetched =
  | { readonly status: 200; readonly entry: Entry }
  | { readonly status: number; readonly entry?: undefined }

/** Brings files into the store without a build and without a client. */
export interface StoreFetcher {
  readonly store: Store
  /**
   * Asks for a file, conditionally when the store has it. Offline the stored one counts as current.
   *
   * @throws CofferError of the mirror after all retries (`MIRROR_UNREACHABLE`, `MIRROR_ERROR`, …)
   */
  readonly get: (url: string) => Promise<Fetched>
  readonly close: () => Promise<void>
}

/** Options of {@link openFetcher}. */
export type FetcherOptions = Pick<
  AptProxyOptions,
  'cacheDir' | 'offline' | 'log' | 'retry' | 'idleMs' | 'upstreamProxy'
>

/** Opens the way to the mirrors by the proxy's rules: what the store keeps, what is asked again, what is tried again. */
export async function openFetcher(options: FetcherOptions): Promise<StoreFetcher> {
  const store = await openStore(options.cacheDir)
  const upstream = openUpstream({
    proxies: options.upstreamProxy ?? upstreamProxyFrom(process.env),
    idleMs: options.idleMs ?? 30_000,
  })
  const expected = expectedDigests(options.cacheDir, store.blobPath, options.log)
  const aborter = new AbortController()
  const downloads = openDownloads({
    options,
    store,
    upstream,
    expected,
    event: () => undefined,
    onBytes: () => undefined,
    signal: aborter.signal,
  })

  async function stored(key: string): Promise<Entry | undefined> {
    const entry = store.find(key)
    const blob = entry === undefined ? undefined : await store.openBlob(entry)
    await blob?.close()
    return blob === undefined ? undefined : entry
  }

  return {
    store,
    async get(url) {
      const key = entryKey(url, undefined)
      const entry = await stored(key)
      if (entry !== undefined && (options.offline || isImmutable(url))) return { status: 200, entry }
      if (options.offline) return { status: store.absent(key) ?? 504 }
      const fill =
        downloads.running(key) ?? downloads.begin({ url, key, pin: undefined, headers: validators(entry) })
      const head = await fill.head
      if (head.kind === 'not-modified' && entry !== undefined) return { status: 200, entry }
      if (head.kind === 'other') return { status: head.status }
      await fill.done
      const fresh = await stored(key)
      return fresh === undefined ? { status: 502 } : { status: 200, entry: fresh }
    },
    async close() {
      aborter.abort()
      await downloads.settle()
      await expected.settle()
      upstream.close()
    },
  }
}

function validators(entry: Entry | undefined): Record<string, string> {
  return {
    ...(entry?.etag === undefined ? {} : { 'if-none-match': entry.etag }),
    ...(entry?.lastModified === undefined ? {} : { 'if-modified-since': entry.lastModified }),
  }
}
