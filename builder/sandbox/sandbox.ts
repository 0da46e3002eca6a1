import { mkdtemp, writeFile } from 'node:fs/promises'
import { CofferError } from '../../lib/errors.ts'
import { type Argv, type Environment, run } from '../../lib/exec.ts'
import { processIdentity } from '../../lib/process-identity.ts'
import { startReaper } from '../../lib/reaper.ts'
import { removeTree } from '../../lib/tree.ts'
import { runWorkerProcess } from '../../lib/worker-process.ts'
import type { BuildJob } from '../engine/build.ts'
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

/** Private mounts and processes that die with this process, whatever ends it. */
const NAMESPACES = [
  ...(['setpriv', '--pdeathsig', 'KILL', '--'] as const),
  ...[
    'unshare',
    '--mount',
    '--propagation',
    'private',
    '--pid',
    '--fork',
    '--kill-child=KILL',
    '--mount-proc',
    '--',
  ],
] as const satisfies Argv

/** Refuses a machine whose kernel or container forbids the namespaces a build needs. @throws CofferError `SANDBOX_REFUSED` */
export async function checkSandbox(): Promise<void> {
  const probe = await run([...NAMESPACES, 'true'], { check: false })
  if (probe.exitCode === 0) return
  throw new CofferError(
    'SANDBOX_REFUSED',
    `This machine does not allow the namespaces a build runs in: ${probe.stderr.trim()}`,
    {
      hint: 'In a container, allow CAP_SYS_ADMIN and mount(2) (docker run --privileged); in a chroot, make its root a mount point.',
    },
  )
}

/** Options of {@link runSandboxed}. */
export interface SandboxOptions {
  readonly job: BuildJob
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
  const drafts = options.job.cache === undefined ? [] : [options.job.cache.drafts]
  const reaper = startReaper([build, image, ...drafts, ...options.partialOutputs])
  try {
    const jobFile = `${image}/job.json`
    await writeFile(jobFile, JSON.stringify(options.job), { mode: 0o600 })
    return await runWorkerProcess(
      [
        ...NAMESPACES,
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        new URL('../engine/worker.ts', import.meta.url).pathname,
        jobFile,
      ],
      { ...options, lifeline: reaper.lifeline },
    )
  } finally {
    try {
      if (options.signal.aborted) await Promise.all(options.partialOutputs.map((path) => removeTree(path)))
      await removeTree(build)
      await removeTree(image)
    } finally {
      // Left alone it would keep this process from ending.
      await reaper.dismiss()
    }
  }
}
