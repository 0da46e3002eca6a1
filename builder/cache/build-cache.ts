import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { CofferError, isErrno } from '../../lib/errors.ts'
import { removeTree } from '../../lib/tree.ts'
import type { Served } from '../packages/pins.ts'
import { cacheLayout } from './layout.ts'
import { isOlder, markLives, ownMark } from './owner.ts'

/** A build's place in the step cache. */
export interface BuildCache {
  readonly directory: string
  /** This build's own directory in it. */
  readonly drafts: string
  /** File in it that grows by a line for each file that the package proxy serves. */
  readonly served: string
  readonly noteServed: (file: Served) => void
  /** Deletes the build's own directory. */
  readonly close: () => Promise<void>
}

/** File in a build's directory that names the process it belongs to. */
const OWNER = 'owner'

/** A directory that has no owner yet, and within how many milliseconds it gets one. */
const UNBORN = 'new-'
const UNBORN_MS = 60_000

/** What a person can do about a file system that the cache has filled. */
export const FULL_CACHE_HINT =
  '`build-image cache prune` empties it, --image-cache puts it elsewhere, --no-cache builds without it.'

/**
 * Opens the step cache for one build. Directories of builds that are gone are deleted first.
 *
 * @param directory is made when it does not exist: for this user only, since it holds whole file systems
 * @param enter words in front of a command that may delete the files of layers, see {@link removeTree}
 * @throws CofferError `DISK_FULL`
 */
export async function openBuildCache(directory: string, enter: readonly string[] = []): Promise<BuildCache> {
  const drafts = await makeDrafts(directory, enter).catch((error: unknown) => {
    if (!isErrno(error, 'ENOSPC')) throw error
    throw new CofferError('DISK_FULL', `No space is left for the step cache in ${directory}`, {
      hint: FULL_CACHE_HINT,
      cause: error,
    })
  })
  await waitForPruning(directory)
  const served = join(drafts, 'served')
  return {
    directory,
    drafts,
    served,
    // At once: the script that was served may end at any moment, and its step is then described.
    noteServed: (file) => appendFileSync(served, `${JSON.stringify(file)}\n`),
    close: () => removeTree(drafts, { enter }),
  }
}

/** Makes a build's own directory. */
async function makeDrafts(directory: string, enter: readonly string[]): Promise<string> {
  const { builds } = cacheLayout(directory)
  await mkdir(builds, { recursive: true, mode: 0o700 })
  await mkdir(pruners(directory), { recursive: true, mode: 0o700 })
  await sweep(directory, enter)
  // Short: layers name it in the options of a mount.
  const drafts = join(builds, randomUUID().slice(0, 13))
  // It appears with its owner in it: another build sweeps what belongs to nobody.
  const unborn = join(directory, `${UNBORN}${randomUUID()}`)
  await mkdir(unborn, { mode: 0o755 })
  try {
    await writeFile(join(unborn, OWNER), await ownMark())
    await writeFile(join(unborn, 'served'), '')
    await rename(unborn, drafts)
  } catch (error) {
    await removeTree(unborn)
    throw error
  }
  return drafts
}

/**
 * Runs `action` while no build uses the cache and none begins to.
 *
 * @returns undefined when a build runs already
 */
export async function whileUnused<T>(directory: string, action: () => Promise<T>): Promise<T | undefined> {
  const own = await ownMark()
  // An empty file, its name the mark: that fits on a file system that is full.
  const claim = join(pruners(directory), `${own}_${randomUUID()}`)
  await mkdir(pruners(directory), { recursive: true, mode: 0o700 })
  await writeFile(claim, '')
  try {
    // Each leaves its own mark before it looks for the other's: one of the two sees both.
    const others = (await builds(directory)).filter(({ mark }) => mark !== own)
    return (await someLive(others)) ? undefined : await action()
  } finally {
    await rm(claim, { force: true })
  }
}

interface Marked {
  readonly path: string
  readonly mark: string
}

/** The directory for marks of processes that delete from the cache. */
function pruners(directory: string): string {
  return join(directory, 'pruners')
}

async function waitForPruning(directory: string): Promise<void> {
  const own = await ownMark()
  while (await someLive((await pruning(directory)).filter(({ mark }) => mark !== own)))
    await systemClock.sleep(50)
}

async function sweep(directory: string, enter: readonly string[]): Promise<void> {
  for (const { path, mark } of await builds(directory)) {
    if (!(await markLives(mark, path))) await removeTree(path, { enter })
  }
  for (const { path, mark } of await pruning(directory)) {
    if (!(await markLives(mark, path))) await rm(path, { force: true })
  }
  for (const name of await namesIn(directory)) {
    const path = join(directory, name)
    if (name.startsWith(UNBORN) && (await isOlder(path, UNBORN_MS))) await removeTree(path)
  }
}

async function someLive(marked: readonly Marked[]): Promise<boolean> {
  for (const { path, mark } of marked) if (await markLives(mark, path)) return true
  return false
}

async function builds(directory: string): Promise<Marked[]> {
  const { builds: all } = cacheLayout(directory)
  return await Promise.all(
    (await namesIn(all)).map(async (name) => {
      const path = join(all, name)
      return { path, mark: (await readFile(join(path, OWNER), 'utf8').catch(() => '')).trim() }
    }),
  )
}

async function pruning(directory: string): Promise<Marked[]> {
  const all = pruners(directory)
  return (await namesIn(all)).map((name) => ({
    path: join(all, name),
    mark: name.split('_').slice(0, -1).join('_'),
  }))
}

async function namesIn(directory: string): Promise<string[]> {
  return await readdir(directory).catch(() => [])
}
