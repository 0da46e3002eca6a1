import type { ExpectedDigests, Verdict } from './expected.ts'
import { type Fill, type Filled, type Kept, startFill } from './fill.ts'
import type { Pin } from './pins.ts'
import { indexPlace, isPackage, promisedDigest } from './policy.ts'
import type { AptProxyOptions, ProxyEvent } from './proxy.ts'
import type { Store } from './store.ts'
import { reasonOf, type Upstream } from './upstream.ts'

/** What {@link openDownloads} works with. */
export interface DownloadsContext {
  readonly options: Pick<AptProxyOptions, 'log' | 'retry'>
  readonly store: Store
  readonly upstream: Upstream
  readonly expected: ExpectedDigests
  readonly event: (kind: ProxyEvent['kind'], url: string) => void
  readonly onBytes: (count: number) => void
  readonly signal: AbortSignal
}

/** One file to be fetched. */
export interface Download {
  readonly url: string
  /** Key of the address, credentials included. */
  readonly key: string
  readonly pin: Pin | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** The downloads that run, one a file, and the rule of what the store keeps of them. */
export interface Downloads {
  readonly running: (key: string) => Fill | undefined
  readonly begin: (download: Download) => Fill
  /** The index's word on a package. An index that a client has whole may still be on its way into the store. */
  readonly verdict: (url: string, digest: string) => Promise<Verdict>
  /** Waits for all that run. */
  readonly settle: () => Promise<void>
}

export function openDownloads(context: DownloadsContext): Downloads {
  const { options, store, expected, event } = context
  const fills = new Map<string, Fill>()
  const indexFills = new Set<Fill>()

  function begin({ url, key, pin, headers }: Download): Fill {
    const fill = startFill({
      url,
      headers,
      store,
      upstream: context.upstream,
      signal: context.signal,
      attempts: options.retry?.attempts ?? 4,
      delayMs: options.retry?.delayMs ?? 500,
      wantSha512: promisedDigest(url)?.algorithm === 'sha512',
      onBytes: context.onBytes,
      onRetry: (error) => {
        event('retry', url)
        options.log.debug(`Trying again: ${reasonOf(error)}`)
      },
      keep: (filled) =>
        keep(url, key, pin, filled).catch((error: unknown): Kept => {
          options.log.warn(`A download could not be kept in the package cache: ${url}: ${reasonOf(error)}`)
          return 'failed'
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

  async function keep(url: string, key: string, pin: Pin | undefined, filled: Filled): Promise<Kept> {
    const pinned = pin?.kind === 'content' && pin.digest === filled.sha256
    if (!pinned && !filled.provenWhole) return 'unproven'
    if (pin?.kind === 'content') {
      if (!pinned) return 'wrong'
    } else if (!(await isPromised(url, filled))) {
      event('different', url)
      options.log.warn(`A download has not the digest that the archive's index lists; it is not kept: ${url}`)
      return 'wrong'
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
    return 'kept'
  }

  async function isPromised(url: string, filled: Filled): Promise<boolean> {
    const promised = promisedDigest(url)
    const kept = promised === undefined || promised.digest === filled[promised.algorithm]
    return kept && (await verdict(url, filled.sha256)) !== 'different'
  }

  async function verdict(url: string, digest: string): Promise<Verdict> {
    if (!isPackage(url)) return 'unknown'
    await Promise.all([...indexFills].filter((fill) => !fill.receiving()).map((fill) => fill.done))
    return await expected.verdict(url, digest)
  }

  return {
    running: (key) => fills.get(key),
    begin,
    verdict,
    async settle() {
      await Promise.all([...fills.values()].map((fill) => fill.done))
    },
  }
}
