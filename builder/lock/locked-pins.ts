import type { Pin, Pins } from '../packages/pins.ts'
import { promisedDigest } from '../packages/policy.ts'
import { decodedPath } from './archive-address.ts'
import type { Lock } from './lock.ts'

/** A pin of the lock, and the archive it is in. */
interface Named {
  readonly archive: string
  readonly pin: Pin
}

/**
 * Pins each address to what a lock names. The archive may be another mirror's: what counts is the path within the archive.
 * Where two archives of the lock have the same path, the one with the same address is meant, else the one whose own path is
 * part of the mirror's. An address that the lock does not name is refused; only a `by-hash` address names its content
 * itself.
 */
export function lockedPins(lock: Lock): Pins {
  const byPath = new Map<string, Named[]>()
  const add = (archive: string, path: string, pin: Pin) => {
    const named = { archive: lock.archives[archive] ?? '', pin }
    byPath.set(path, [...(byPath.get(path) ?? []), named])
  }
  for (const { archive, path, sha256, size, private: secret } of [
    ...lock.repositories,
    ...lock.indexes,
    ...lock.packages,
  ]) {
    add(archive, path, { kind: 'content', digest: sha256, size, private: secret === true })
  }
  for (const { archive, path, status } of lock.absent) add(archive, path, { kind: 'absent', status })

  return (url) => {
    for (const { base, path } of cuts(url)) {
      const found = nearest(base, path, byPath.get(path) ?? [])
      if (found.length === 0) continue
      if (new Set(found.map(({ pin }) => JSON.stringify(pin))).size === 1) return found[0]?.pin
      return notServed(
        `${url} may be of more than one archive of the lock`,
        'use the same mirrors as the lock does',
      )
    }
    const promised = promisedDigest(url)
    if (promised?.algorithm === 'sha256') {
      return { kind: 'content', digest: promised.digest, size: 0, private: false }
    }
    return notServed(
      `${url} is not in the lock`,
      'the build asks for more than it did then: make the lock anew',
    )
  }
}

/** All ways to cut an address into an archive and a path, the longest path first. */
function* cuts(url: string): Generator<{ base: string; path: string }> {
  const start = new URL(url).origin.length
  for (let at = start; at >= 0; at = url.indexOf('/', at + 1)) {
    yield { base: url.slice(0, at), path: decodedPath(url.slice(at + 1)) }
  }
}

/** Those whose archive fits an address best; none when no archive of that path may be meant by it. */
function nearest(base: string, path: string, named: readonly Named[]): readonly Named[] {
  const tests: ((archive: string) => boolean)[] = [
    (archive) => archive === base,
    (archive) => new URL(archive).pathname === new URL(base).pathname,
    (archive) => /^(dists|pool)\//.test(path) && isWithin(partsOf(archive), partsOf(base)),
    () => /^(dists|pool)\//.test(path),
  ]
  for (const fits of tests) {
    const found = named.filter(({ archive }) => fits(archive))
    if (found.length > 0) return found
  }
  return []
}

/** True when all parts come in the same order among the others: `debian` in `archive/debian/20260131T000000Z`. */
function isWithin(parts: readonly string[], others: readonly string[]): boolean {
  let at = 0
  for (const part of others) if (part === parts[at]) at += 1
  return parts.length > 0 && at === parts.length
}

function partsOf(address: string): string[] {
  return new URL(address).pathname.split('/').filter((part) => part !== '')
}

function notServed(why: string, hint: string): Pin {
  return { kind: 'refused', reason: `${why} - hint: ${hint}` }
}
