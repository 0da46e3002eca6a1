import { pskOf } from './psk.ts'

/** Secret of an identity, or undefined when there is none. May look it up. */
export type SecretOf = (identity: string) => string | undefined | Promise<string | undefined>

/** Who has which secret now: what was created or removed in this process's life goes before what the look-up says. */
export interface Credentials {
  /** The key for a handshake, or undefined: nobody of that identity. Asks the look-up each time. */
  readonly keyOf: (identity: string) => Promise<Buffer | undefined>
  readonly set: (identity: string, secret: string) => void
  /** Refuses the identity from now on, also while the look-up still knows it. */
  readonly remove: (identity: string) => void
  /** Identities that were set. */
  readonly known: () => readonly string[]
}

export function createCredentials(secretOf: SecretOf): Credentials {
  const set = new Map<string, string>()
  const removed = new Set<string>()
  return {
    async keyOf(identity) {
      if (removed.has(identity)) return undefined
      const secret = set.get(identity) ?? (await secretOf(identity))
      // It may have been removed while the look-up ran.
      if (secret === undefined || secret === '' || removed.has(identity)) return undefined
      return pskOf(secret)
    },
    set(identity, secret) {
      removed.delete(identity)
      set.set(identity, secret)
    },
    remove(identity) {
      set.delete(identity)
      removed.add(identity)
    },
    known: () => [...set.keys()],
  }
}
