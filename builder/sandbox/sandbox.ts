import { mkdtemp, writeFile } from 'node:fs/promises'
import { CofferError } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import { nodeCommand } from '../../lib/node-command.ts'
import { processIdentity } from '../../lib/process-identity.ts'
import { startReaper } from '../../lib/reaper.ts'
import { removeTree } from '../../lib/tree.ts'
import { runWorkerProcess } from '../../lib/worker-process.ts'
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

/** Options of {@link runSandboxed}. */
export interface SandboxOptions {
  readonly job: BuildJob
  readonly rights: RootRights
  /** Files a killed build may leave beside its outputs: removed when it did not end by itself. */
  readonly partialOutputs: readonly string[]
  readonly env: Environment
  readonly onLine: (line: string) => void
  readonly onEvent: (line: string) => void
  readonly signal: AbortSignal
}

/**
 * Runs the worker in mount and PID namespaces of its own.
 *
 * Nothing it mounts is seen outside, and the kernel ends every process and every mount when the worker ends or this
 * process dies, by whatever signal: `setpriv --pdeathsig` ties unshare to this process, `--kill-child` ties the worker
 * to unshare, and a PID namespace dies with its first process. Directories and half-written outputs are left to a reaper.
 * @returns the worker's exit status
 */
export async function runSandboxed(options: SandboxOptions): Promise<number> {
  const { build, image } = options.job.directories
  const { enter } = options.rights
  const drafts = options.job.cache === undefined ? [] : [options.job.cache.drafts]
  const reaper = startReaper([build, image, ...drafts, ...options.partialOutputs], { enter })
  try {
    const jobFile = `${image}/job.json`
    await writeFile(jobFile, JSON.stringify(options.job), { mode: 0o600 })
    return await runWorkerProcess(
      [
        ...namespaces(enter),
        ...nodeCommand,
        new URL('../engine/worker.ts', import.meta.url).pathname,
        jobFile,
      ],
      { ...options, lifeline: reaper.lifeline },
    )
  } finally {
    try {
      if (options.signal.aborted) await Promise.all(options.partialOutputs.map((path) => removeTree(path)))
      await removeTree(build, { enter })
      await removeTree(image, { enter })
    } finally {
      // Left alone it would keep this process from ending.
      await reaper.dismiss()
    }
  }
}
