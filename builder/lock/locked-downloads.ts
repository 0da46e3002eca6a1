import { constants, copyFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { CofferError, isErrno } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import { digestFile, sha256 } from '../../lib/hash.ts'
import { openStore, type Store } from '../packages/store.ts'
import type { Lock } from './lock.ts'
import { lockVariables } from './lock-variables.ts'
import { readLock } from './parse-lock.ts'
import { appendRecorded, withoutCredentials } from './recorded.ts'

/** What a script's downloads go by. */
export interface DownloadRules {
  readonly record: string | undefined
  readonly lock: Lock | undefined
  /** True when downloads are kept by content, for builds from a lock. */
  readonly keep: boolean
  /** The package store's directory. */
  readonly store: string
}

/** Reads the rules from a script's environment. @throws CofferError of {@link readLock} */
export async function downloadRules(env: Environment): Promise<DownloadRules> {
  const given = (name: string) => (env[name] === '' ? undefined : env[name])
  const locked = given(lockVariables.locked)
  return {
    record: given(lockVariables.record),
    lock: locked === undefined ? undefined : await readLock(locked),
    keep: locked !== undefined || given(lockVariables.locking) !== undefined,
    store: join(given('DIB_IMAGE_CACHE') ?? join(homedir(), '.cache', 'image-create'), 'packages'),
  }
}

/** How a lock names a file of this machine: other machines have it elsewhere. */
export function localFile(path: string): string {
  return `file:${basename(path).replace(/\s/g, '_')}`
}

/**
 * Looks for what the lock names for an address: first in the copy at hand, else in the store.
 *
 * @param part where a copy of the store's content is put
 * @param atHand a file that may be it already
 * @returns `current`: it is `atHand`; `placed`: it is in `part`; `absent`: it must be downloaded; also without a lock
 * @throws CofferError `NOT_IN_LOCK`
 */
export async function findLocked(
  rules: DownloadRules,
  address: string,
  part: string,
  atHand: string | undefined,
): Promise<'current' | 'placed' | 'absent'> {
  if (rules.lock === undefined) return 'absent'
  const digests = digestsOf(rules.lock, address)
  if (atHand !== undefined && digests.includes((await digestOrNone(atHand)) ?? '')) return 'current'
  const store = await openStore(rules.store)
  for (const digest of digests) {
    const blob = await store.openBlob({ digest })
    if (blob === undefined) continue
    await blob.close()
    await copyFile(store.blobPath(digest), part, constants.COPYFILE_FICLONE)
    return 'placed'
  }
  return 'absent'
}

/**
 * Takes a file that a script got: refuses what the lock does not name, keeps it for builds from a lock, and records it.
 *
 * @param address a URL, or {@link localFile}
 * @throws CofferError `NOT_IN_LOCK`, `LOCK_DIGEST_MISMATCH`
 */
export async function acceptDownload(rules: DownloadRules, address: string, file: string): Promise<void> {
  if (rules.record === undefined && rules.lock === undefined) return
  const url = withoutCredentials(address)
  const [digest, { size }] = await Promise.all([digestFile(file), stat(file)])
  if (rules.lock !== undefined && !digestsOf(rules.lock, url).includes(digest)) {
    throw new CofferError(
      'LOCK_DIGEST_MISMATCH',
      `${url} has moved on: it has the sha256 ${digest}, and the lock names another`,
      { hint: 'Bring the cache that the lock was made with, or make the lock anew with --lock.' },
    )
  }
  if (rules.keep) await keep(await openStore(rules.store), { url, digest, size }, file)
  if (rules.record !== undefined) {
    await appendRecorded(rules.record, { kind: 'file', url, sha256: digest, size })
  }
}

async function keep(
  store: Store,
  content: { readonly url: string; readonly digest: string; readonly size: number },
  file: string,
): Promise<void> {
  const blob = await store.openBlob(content)
  await blob?.close()
  if (blob === undefined) {
    const temp = await store.createTemp()
    await temp.handle.close()
    await copyFile(file, temp.path, constants.COPYFILE_FICLONE)
    store.commit(sha256(`download ${content.url}`), temp, {
      ...content,
      fetched: systemClock.now().toISOString(),
    })
  }
  store.hold(content)
}

/** What the lock names for an address: more than one where only their queries differ. */
function digestsOf(lock: Lock, address: string): string[] {
  const url = withoutCredentials(address)
  const digests = lock.downloads.filter((one) => one.url === url).map((one) => one.sha256)
  if (digests.length > 0) return digests
  throw new CofferError(
    'NOT_IN_LOCK',
    `${url} is not in the lock: the build asks for more than it did then`,
    {
      hint: 'Make the lock anew with --lock.',
    },
  )
}

async function digestOrNone(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isFile() ? await digestFile(path) : undefined
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
