import { mkdtemp, writeFile } from 'node:fs/promises'
import { CofferError } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import { nodeCommand } from '../../lib/node-command.ts'
import { processIdentity } from '../../lib/process-identity.ts'
import { startReaper } from '../../lib/reaper.ts'
import { removeTree } from '../../lib/tree.ts'
import { startWorkerProcess } from '../../lib/worker-process.ts'
import type { BuildJob } from '../engine/build.ts'
import { namespaces } from './namespaces.ts'
import type { RootRights } from './root-rights.ts'
import { OWNER_FILE } from './stale.ts'

/** The two directories of a build, made under `tmpDir` under DIB's names. */
export interface BuildSpace {
  readonly build: string
  readonly image: string
}

export async function makeBuildSpace(tmpDir: string): Promise<BuildSpace> {
  try {
    const space = {
      build: await mkdtemp(`${tmpDir}/dib_build.`),
      image: await mkdtemp(`${tmpDir}/dib_image.`),
    }
    const owner = (await processIdentity(process.pid)) ?? ''
    await Promise.all(Object.values(space).map((path) => writeFile(`${path}/${OWNER_FILE}`, owner)))
    return space
  } catch (error) {
    throw new CofferError(
      'BUILD_DIRECTORY_FAILED',
      `No build directory could be made in ${tmpDir}: ${String(error)}`,
      {
        hint: 'Set TMP_DIR to a directory with space that you may write to.',
        cause: error,
      },
    )
  }
}

/** Options of {@link startSandbox}. */
export interface SandboxOptions {
  readonly space: BuildSpace
  readonly rights: RootRights
  /** Files a killed build may leave elsewhere: removed when it did not end by itself. */
  readonly partialOutputs: readonly string[]
  /** Directories that such a build may leave in a cache. */
  readonly drafts: readonly string[]
  readonly env: Environment
  readonly onLine: (line: string) => void
  readonly onEvent: (line: string) => void
  readonly signal: AbortSignal
}

/** A worker in namespaces of its own, that waits for its job. */
export interface Sandbox {
  /** Lets it do one job. @returns its exit status */
  readonly run: (job: BuildJob) => Promise<number>
  /** Ends the worker if it has not ended, and deletes the directories of the build. May be called twice. */
  readonly release: () => Promise<void>
}

/**
 * Starts the worker in mount and PID namespaces of its own. It gets ready while this process finds out what there is to do.
 *
 * Nothing it mounts is seen outside, and the kernel ends every process and every mount when the worker ends or this
 * process dies, by whatever signal: `setpriv --pdeathsig` ties unshare to this process, `--kill-child` ties the worker
 * to unshare, and a PID namespace dies with its first process. Directories and half-written outputs are left to a reaper.
 */
export function startSandbox(options: SandboxOptions): Sandbox {
  const { space, rights, drafts, partialOutputs, signal } = options
  const { enter } = rights
  const reaper = startReaper([space.build, space.image, ...drafts, ...partialOutputs], { enter })
  const worker = startWorkerProcess(
    [...namespaces(enter), ...nodeCommand, new URL('../engine/worker.ts', import.meta.url).pathname],
    { ...options, lifeline: reaper.lifeline },
  )
  async function release(): Promise<void> {
    worker.kill()
    await worker.ended
    try {
      if (signal.aborted) await Promise.all(partialOutputs.map((path) => removeTree(path)))
      await Promise.all([space.build, space.image].map((path) => removeTree(path, { enter })))
    } finally {
      // Left alone it would keep this process from ending.
      await reaper.dismiss()
    }
  }
  let released: Promise<void> | undefined
  return {
    async run(job) {
      // Not by a file or an argument: it holds the caller's environment.
      worker.send(JSON.stringify(job))
      return await worker.ended
    },
    release() {
      released ??= release()
      return released
    },
  }
}
