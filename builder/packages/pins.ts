import type { IncomingMessage } from 'node:http'

/** An answer that a client of the package proxy got: what a build took from where. The proxy's own refusals are none. */
export interface Served {
  /** Absolute, without credentials. */
  readonly url: string
  /** As the client saw it: 200, 206 and 304 with content, the mirror's own status without. */
  readonly status: number
  /** SHA-256 of the whole content, hexadecimal. */
  readonly digest?: string
  /** Bytes of the whole content. */
  readonly size?: number
  /** Set when the client sent credentials. */
  readonly private?: true
}

/** What a client must get for an address, whatever the mirror has by now. */
export type Pin =
  | {
      readonly kind: 'content'
      /** SHA-256, hexadecimal. */
      readonly digest: string
      /** Bytes. */
      readonly size: number
      /** True serves it only to a client that sends the credentials it was fetched with. */
      readonly private: boolean
    }
  | { readonly kind: 'absent'; readonly status: number }
  /** Not to be had in this build. */
  | { readonly kind: 'refused'; readonly reason: string }

/** Says what an address is pinned to; undefined: nothing, it is served as ever. */
export type Pins = (url: string) => Pin | undefined

/**
 * Pins each address to what it gave first, so that a build sees one state of its archives from beginning to end: what a
 * lock of it names once must have been used throughout.
 *
 * @param served answers so far; read at every call.
 */
export function firstServed(served: readonly Served[]): Pins {
  const pinned = new Map<string, Pin>()
  let seen = 0
  return (url) => {
    for (; seen < served.length; seen++) {
      const { url: address, digest, size = 0, private: secret = false } = served[seen] as Served
      if (digest === undefined || pinned.has(address)) continue
      pinned.set(address, { kind: 'content', digest, size, private: secret })
    }
    return pinned.get(url)
  }
}

/** Reports an answer with content. */
export function servedContent(
  served: (served: Served) => void,
  { url, request }: { readonly url: string; readonly request: IncomingMessage },
  status: number,
  digest: string,
  size: number,
): void {
  const secret = request.headers.authorization !== undefined
  served({ url, status, digest, size, ...(secret ? { private: true } : {}) })
}
