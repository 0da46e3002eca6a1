import { chown, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '../../lib/exec.ts'
import type { Log } from '../../lib/log.ts'
import { ownedName } from '../../lib/process-identity.ts'
import { writeAtomically } from '../../lib/write-atomically.ts'
import { firstServed, type Served } from '../packages/pins.ts'
import type { AptProxyOptions } from '../packages/proxy.ts'
import { openStore, type Store } from '../packages/store.ts'
import { dropOtherContents, type GeneratedContent, keepContents } from './generated.ts'
import { type Lock, lockDigest, renderLock } from './lock.ts'
import { lockVariables } from './lock-variables.ts'
import { lockedPins } from './locked-pins.ts'
import { lockedVariables } from './locked-sources.ts'
import { makeLock } from './make-lock.ts'
import { type PackageFacts, packageFacts, releasesOf } from './package-facts.ts'
import { appendRecorded, INPUTS_DIRECTORY, type Recorded, readRecorded } from './recorded.ts'

/** What a build is, as far as its inputs are concerned. */
export interface InputsOfBuild {
  /** Where a lock is to be written. */
  readonly lockTo: string | undefined
  /** The lock to build from, and its file. */
  readonly lock: Lock | undefined
  readonly lockedFrom: string | undefined
  readonly architecture: string
  readonly offline: boolean
  /** The caller's environment. */
  readonly env: Environment
  /** The package store's directory. */
  readonly store: string
  /** Where its directory is while the build runs. */
  readonly tmpDir: string
  /** Version of the builder. */
  readonly version: string
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
  readonly log: Log
}

/** A lock that was written. */
export interface WrittenLock {
  readonly path: string
  readonly sha256: string
  readonly packages: number
}

/** A package that apt was served. */
export interface TakenPackage extends PackageFacts {
  /** Of the package file. */
  readonly sha256: string
  readonly url: string
}

/** Everything that a running build takes from elsewhere: what it may take, what it took, and the lock of that. */
export interface BuildInputs {
  readonly proxy: Pick<AptProxyOptions, 'onServed' | 'onRefused' | 'pins' | 'tunnels'>
  /** For scripts outside of the chroot. */
  readonly environment: Readonly<Record<string, string>>
  /** Where the build notes what it takes, and hands out what its lock will keep. Removed by {@link close}; a process that dies leaves it. */
  readonly directory: string
  /** What apt got so far, in order. What a step of a cached build got then can be added with `proxy.onServed`. */
  readonly served: readonly Served[]
  /** What scripts took so far, in order. */
  readonly recorded: () => Promise<Recorded[]>
  /** Adds what a step of a cached build took. */
  readonly recall: (taken: Recorded) => Promise<void>
  /** The packages so far, with the digest and the address of each. */
  readonly packages: () => Promise<readonly TakenPackage[]>
  /** Why apt could not have what it asked for, each reason once. */
  readonly refusals: () => readonly string[]
  /** After a build that worked: writes the lock that was asked for. @throws CofferError `LOCK_NOT_ONE_STATE` */
  readonly writeLock: (generated: readonly GeneratedContent[]) => Promise<WrittenLock | undefined>
  readonly close: () => Promise<void>
}

/** Opens the inputs of a build that is about to start. */
export async function openBuildInputs(build: InputsOfBuild): Promise<BuildInputs> {
  const { lock, lockTo, lockedFrom, log } = build
  const served: Served[] = []
  const refusals = new Set<string>()
  const directory = join(build.tmpDir, await ownedName(INPUTS_DIRECTORY))
  await mkdir(directory, { mode: 0o700 })
  const recordFile = join(directory, 'taken')
  await writeFile(recordFile, '')
  const store = await openStore(build.store)
  if (lock !== undefined) await holdLocked(lock, store, build)
  const pins = lock !== undefined ? lockedPins(lock) : lockTo !== undefined ? firstServed(served) : undefined

  async function lockOf(generated: readonly GeneratedContent[]): Promise<Lock> {
    const epoch = build.env.SOURCE_DATE_EPOCH ?? ''
    return makeLock({
      builder: build.version,
      architecture: build.architecture,
      distribution: build.env.DISTRO_NAME || undefined,
      release: build.env.DIB_RELEASE || undefined,
      sourceDate: /^\d{1,11}$/.test(epoch) ? new Date(Number(epoch) * 1000) : undefined,
      served,
      recorded: await readRecorded(recordFile),
      releases: await releasesOf(served, store),
      packages: await packageFacts(served, store, build.store),
      generated: Object.fromEntries(
        generated.map(({ path, sha256, size, madeFrom }) => [path, { sha256, size, madeFrom }]),
      ),
    })
  }

  return {
    proxy: {
      onServed: (answer) => served.push(answer),
      onRefused: (reason) => {
        if (!refusals.has(reason)) log.error(reason)
        refusals.add(reason)
      },
      ...(pins === undefined ? {} : { pins, tunnels: false }),
    },
    environment: {
      [lockVariables.record]: recordFile,
      ...(lockTo === undefined ? {} : { [lockVariables.locking]: '1' }),
      ...(lock === undefined || lockedFrom === undefined
        ? {}
        : { [lockVariables.locked]: lockedFrom, ...lockedVariables(lock, build.env) }),
    },
    directory,
    served,
    recorded: () => readRecorded(recordFile),
    recall: (taken) => appendRecorded(recordFile, taken),
    async packages() {
      const facts = await packageFacts(served, store, build.store)
      const addresses = new Map(served.map(({ url, digest }) => [digest, url]))
      return [...facts].map(([sha256, fact]) => ({ ...fact, sha256, url: addresses.get(sha256) ?? '' }))
    },
    refusals: () => [...refusals],
    async writeLock(generated) {
      if (lockTo === undefined) return undefined
      const made = await lockOf(generated)
      await holdLocked(made, store, { ...build, offline: false })
      await keepContents(lockTo, generated, build.owner)
      await writeAtomically(lockTo, renderLock(made), 0o644)
      if (build.owner !== undefined) await chown(lockTo, build.owner.uid, build.owner.gid)
      await dropOtherContents(lockTo, made)
      return { path: lockTo, sha256: lockDigest(made), packages: made.packages.length }
    },
    close: () => rm(directory, { recursive: true, force: true }),
  }
}

/** Keeps what a lock names from being pruned, and tells an offline build what will be missing. */
async function holdLocked(
  lock: Lock,
  store: Store,
  { offline, log }: Pick<InputsOfBuild, 'offline' | 'log'>,
): Promise<void> {
  const missing: string[] = []
  const files = [...lock.repositories, ...lock.indexes, ...lock.packages]
  const contents = [
    ...files.map(({ archive, path, ...file }) => ({ ...file, url: `${lock.archives[archive]}/${path}` })),
    ...lock.downloads,
  ]
  for (const { url, sha256, size } of contents) {
    if (await isFile(store.blobPath(sha256))) store.hold({ url, digest: sha256, size })
    else missing.push(url)
  }
  if (!offline || missing.length === 0) return
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : ''
  log.warn(`Offline, and the cache lacks what the lock names: ${missing.slice(0, 5).join(' ')}${more}`)
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}
