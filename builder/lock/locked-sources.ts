import { CofferError } from '../../lib/errors.ts'
import type { Lock, LockedSource } from './lock.ts'
import type { DownloadRules } from './locked-downloads.ts'
import { appendRecorded, withoutCredentials } from './recorded.ts'

/**
 * The variables that make element source-repositories take the commits of a lock (`DIB_REPOREF_<name>`), and the ones
 * that choose its system, where the caller has not.
 */
export function lockedVariables(
  lock: Lock,
  caller: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const system = { DISTRO_NAME: lock.distribution, DIB_RELEASE: lock.release }
  return Object.fromEntries([
    ...Object.entries(system).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !caller[entry[0]],
    ),
    ...lock.sources.map(({ name, revision }): [string, string] => [
      `DIB_REPOREF_${name.replace(/[^A-Za-z0-9]/g, '_')}`,
      revision,
    ]),
  ])
}

/** Takes a commit that was checked out. @throws CofferError `NOT_IN_LOCK` when the lock names another, or none */
export async function acceptSource(rules: DownloadRules, source: LockedSource): Promise<void> {
  const found = { ...source, location: withoutCredentials(source.location) }
  if (rules.lock !== undefined) {
    const known = rules.lock.sources.filter(({ name }) => name === source.name)
    if (!known.some(({ revision }) => revision === source.revision)) {
      throw new CofferError(
        'NOT_IN_LOCK',
        `The source ${source.name} is at ${source.revision}, and the lock names ${known[0]?.revision ?? 'none of that name'}`,
        { hint: 'Make the lock anew with --lock.' },
      )
    }
  }
  if (rules.record !== undefined) await appendRecorded(rules.record, { kind: 'source', ...found })
}

/** Takes the system that the root element builds. @throws CofferError `LOCK_OF_ANOTHER_BUILD` */
export async function acceptSystem(
  rules: DownloadRules,
  system: { readonly distribution: string; readonly release: string },
): Promise<void> {
  if (rules.lock !== undefined) refuseOtherBuild(rules.lock, system)
  if (rules.record !== undefined) await appendRecorded(rules.record, { kind: 'system', ...system })
}

/**
 * Refuses a lock that was made for another system; what is not known counts as equal.
 *
 * @throws CofferError `LOCK_OF_ANOTHER_BUILD`
 */
export function refuseOtherBuild(
  lock: Lock,
  build: Readonly<Partial<Record<'distribution' | 'release' | 'architecture', string | undefined>>>,
): void {
  for (const name of ['distribution', 'release', 'architecture'] as const) {
    const [locked, wanted] = [lock[name], build[name]]
    if (locked === undefined || wanted === undefined || wanted === '' || locked === wanted) continue
    throw new CofferError(
      'LOCK_OF_ANOTHER_BUILD',
      `The lock is for the ${name} ${locked}, and this build is for ${wanted}`,
      { hint: 'Make a lock of this build with --lock, or build what the lock was made for.' },
    )
  }
}
