import { setTimeout } from 'node:timers/promises'
import type { Fill } from './fill.ts'
import type { Pin } from './pins.ts'
import type { Blob, Entry, Store } from './store.ts'

/** An address that has a content pinned to it. */
export interface PinnedAddress {
  readonly url: string
  /** Key of the address, credentials included. */
  readonly key: string
  readonly pin: Extract<Pin, { kind: 'content' }>
}

/** The content of a pin, the download that takes its time, or why a client cannot have it. */
export type PinnedContent = { readonly entry: Entry; readonly blob: Blob } | { readonly slow: Fill } | Refusal

/** An answer in place of the content. */
export interface Refusal {
  readonly status: number
  readonly reason: string
  /** True when asking again cannot help. */
  readonly lasting: boolean
}

/** What {@link pinnedContent} works with. */
export interface PinnedContentContext {
  readonly store: Store
  readonly offline: boolean
  /** Milliseconds that a client is kept waiting for a download. */
  readonly patienceMs: number
  /** Starts a download from the mirror, or joins the one that runs. */
  readonly download: () => Fill
  /** Rejects when the client leaves. */
  readonly gone: Promise<never>
}

/**
 * Opens what an address is pinned to: from the store by its digest, else from the mirror, once the whole download has the
 * right digest. A client gets the pinned content or a reason.
 */
export async function pinnedContent(
  address: PinnedAddress,
  context: PinnedContentContext,
): Promise<PinnedContent> {
  const { url } = address
  const stored = await openPinned(address, context.store)
  if (stored !== undefined) return stored
  if (context.offline) {
    return {
      status: 504,
      lasting: false,
      reason: `Offline, and what the lock names is not in the cache: ${url} - hint: build once online from this lock, or bring the cache it was made with`,
    }
  }
  const fill = context.download()
  const head = await Promise.race([fill.head, context.gone])
  if (head.kind === 'other') return movedOn(url, `the mirror answered ${head.status} ${head.reason}`)
  const patience = new AbortController()
  try {
    const waited = setTimeout(context.patienceMs, 'slow' as const, { signal: patience.signal, ref: false })
    waited.catch(() => undefined)
    if ((await Promise.race([fill.done, context.gone, waited])) === 'slow') return { slow: fill }
  } finally {
    patience.abort()
  }
  return await pinnedDownload(address, context.store, fill)
}

/** The outcome of a finished download for a pin. */
export async function pinnedDownload(
  address: PinnedAddress,
  store: Store,
  fill: Fill,
): Promise<{ readonly entry: Entry; readonly blob: Blob } | Refusal> {
  const outcome = await fill.done
  const found = await openPinned(address, store)
  if (found !== undefined) return found
  if (outcome?.kept !== 'wrong') {
    const reason = `The cache lacks what the lock names for ${address.url}, and the download broke off`
    return { status: 502, lasting: false, reason }
  }
  const short = (digest: string) => `${digest.slice(0, 12)}…`
  return movedOn(
    address.url,
    `it has the digest ${short(outcome.sha256)}, the lock names ${short(address.pin.digest)}`,
  )
}

async function openPinned(
  { url, key, pin }: PinnedAddress,
  store: Store,
): Promise<{ entry: Entry; blob: Blob } | undefined> {
  const own = store.find(key)
  const entry = own?.digest === pin.digest ? own : undefined
  // What came for credentials goes to whoever sends them again only.
  if (pin.private && entry === undefined) return undefined
  const blob = await store.openBlob(pin)
  if (blob === undefined) return undefined
  store.hold({ url, digest: pin.digest, size: blob.size })
  return { blob, entry: entry ?? { url, digest: pin.digest, size: blob.size, fetched: '' } }
}

function movedOn(url: string, why: string): Refusal {
  return {
    status: 409,
    lasting: true,
    reason: `The mirror has moved on: ${url} is not what the lock names (${why}), and the cache lacks that - hint: bring the cache the lock was made with, use a snapshot mirror of its date, or make the lock anew`,
  }
}
