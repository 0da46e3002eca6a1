import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { processIdentity } from '../../lib/process-identity.ts'
import { removeTree } from '../../lib/tree.ts'
import type { Served } from '../packages/pins.ts'
import { cacheLayout } from './layout.ts'

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

/**
 * Opens the step cache for one build. Directories of builds that are gone are deleted first.
 *
 * @param directory is made when it does not exist: for this user only, since it holds whole file systems
 * @param enter words in front of a command that may delete the files of layers, see {@link removeTree}
 */
export async function openBuildCache(directory: string, enter: readonly string[] = []): Promise<BuildCache> {
  const layout = cacheLayout(directory)
  await mkdir(layout.builds, { recursive: true, mode: 0o700 })
  await sweepBuilds(directory, enter)
  // Short: layers name it in the options of a mount.
  const drafts = join(layout.builds, randomUUID().slice(0, 13))
  const served = join(drafts, 'served')
  // It appears with its owner in it: another build sweeps what belongs to nobody.
  const unborn = join(directory, `new-${randomUUID()}`)
  await mkdir(unborn, { mode: 0o755 })
  await writeFile(join(unborn, OWNER), (await processIdentity(process.pid)) ?? '')
  await writeFile(join(unborn, 'served'), '')
  await rename(unborn, drafts)
  await waitForPruning(directory)
  return {
    directory,
    drafts,
    served,
    // At once: the script that was served may end at any moment, and its step is then described.
    noteServed: (file) => appendFileSync(served, `${JSON.stringify(file)}\n`),
    close: () => removeTree(drafts, { enter }),
  }
}

/**
 * Runs `action` while no build uses the cache and none begins to.
 *
 * @returns undefined when a build runs already
 */
export async function whileUnused<T>(directory: string, action: () => Promise<T>): Promise<T | undefined> {
  const claim = join(directory, PRUNING)
  await writeFile(claim, (await processIdentity(process.pid)) ?? '')
  try {
    // Each writes its own mark before it looks for the other's: one of the two sees both.
    return (await otherBuildRuns(directory)) ? undefined : await action()
  } finally {
    await rm(claim, { force: true })
  }
}

/** File that names the process that deletes from the cache. */
const PRUNING = 'pruning'

async function waitForPruning(directory: string): Promise<void> {
  const own = (await processIdentity(process.pid)) ?? ''
  for (;;) {
    const owner = (await readFile(join(directory, PRUNING), 'utf8').catch(() => '')).trim()
    if (owner === own || !(await lives(owner))) return
    await systemClock.sleep(50)
  }
}

/** Whether a build runs that uses the cache, other than this process's own. */
async function otherBuildRuns(directory: string): Promise<boolean> {
  const owners = await Promise.all((await buildDirectories(directory)).map(({ owner }) => owner))
  const own = await processIdentity(process.pid)
  for (const owner of owners) if (owner !== own && (await lives(owner))) return true
  return false
}

async function sweepBuilds(directory: string, enter: readonly string[]): Promise<void> {
  for (const { path, owner } of await buildDirectories(directory)) {
    if (!(await lives(owner))) await removeTree(path, { enter })
  }
}

async function buildDirectories(directory: string): Promise<{ path: string; owner: string }[]> {
  const { builds } = cacheLayout(directory)
  const names = await readdir(builds).catch(() => [])
  return await Promise.all(
    names.map(async (name) => ({
      path: join(builds, name),
      owner: (await readFile(join(builds, name, OWNER), 'utf8').catch(() => '')).trim(),
    })),
  )
}

async function lives(owner: string): Promise<boolean> {
  return owner !== '' && (await processIdentity(owner.split(' ')[0] ?? '')) === owner
}
