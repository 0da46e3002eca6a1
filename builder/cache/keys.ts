import { sha256 } from '../../lib/hash.ts'
import { stepId } from '../../phases/step-ids.ts'
import type { Served } from '../packages/pins.ts'
import type { CacheStep } from './types.ts'

/** Identity of a step before it has run. */
export function preKeyOf(previous: string, step: CacheStep): string {
  return stepId(previous, step.phase, step.name, step.inputs)
}

/** Which packages a run of a step took: addresses name the version, the digest the content. Signed indexes are not part of it. */
export function packagesServed(served: readonly Served[]): Served[] {
  return served.filter(({ url, digest }) => digest !== undefined && /\.u?deb$/.test(url))
}

/** Release files of repositories that a run of a step read. */
export function repositoriesServed(served: readonly Served[]): Served[] {
  return served.filter(({ url, digest }) => digest !== undefined && /\/(In)?Release$/.test(url))
}

/**
 * Identity of a step's result: what was known before, and what it got from the package repositories.
 *
 * @param nonce makes the result unlike any other's: for steps that must not be cached
 */
export function keyOf(preKey: string, served: readonly Served[], nonce = ''): string {
  const digests = new Set(packagesServed(served).map(({ digest }) => digest))
  const releases = new Set(repositoriesServed(served).map(({ digest }) => digest))
  return sha256(JSON.stringify([preKey, [...digests].sort(), [...releases].sort(), nonce]))
}
