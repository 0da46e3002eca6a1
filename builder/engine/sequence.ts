import { readdir } from 'node:fs/promises'
import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import type { PhaseName } from '../../phases/phases.ts'
import { driverSteps } from '../cache/cache-steps.ts'
import { formatOf, rawOutputs, treeOutputs } from '../output/index.ts'
import { agentVersions } from './agent-versions.ts'
import type { Build } from './build.ts'
import { unmountBelow } from './chroot-mounts.ts'
import { createDisk, initDisk, sizeDisk, writeDisk } from './disk.ts'
import { writeFileRecord } from './file-record.ts'
import { finaliseTree } from './finalise.ts'
import { placeLayers } from './layers-place.ts'
import { packageFacts, treeDistribution } from './package-facts.ts'
import { normaliseBuild, reportUnreproducible, sourceDateOf } from './reproducible.ts'
import { lendResolvConf, restoreResolvConf } from './resolv-conf.ts'
import { runPhase, writeBaseHooks, writeInstallType } from './run-phase.ts'
import { inPlace } from './script.ts'
import type { Stage } from './stage.ts'
import { openTreeSteps, type TreeSteps } from './tree-steps.ts'

/**
 * A whole build inside the sandbox, in DIB's order (DIB contract §1.1, steps 8 to 33).
 *
 * In file mode the tree stays a directory until the end; in loop mode it moves into mounted file systems after
 * block-device.d. Scripts see the same paths either way. Steps at the beginning that are in the cache do not run.
 */
export async function runBuild(given: Build): Promise<void> {
  const { build, overlay } = await placeLayers(given)
  const { directories, request } = build.job
  const bare: Stage = { at: directories.mount, chroot: false, hooksInside: false }
  const inChroot: Stage = { ...bare, chroot: true }
  await initDisk(build)
  await writeBaseHooks(build)
  const steps = await openTreeSteps(build, overlay)
  const phase = (name: PhaseName) => runPhase(build, steps, name)

  await phase('root.d')
  if (steps.running()) await requireRootElement(build, steps, bare)
  await steps.driver(driverSteps.resolvConf, bare, () => lendResolvConf(directories.mount))
  await steps.lent()
  await writeInstallType(build, steps)
  await phase('extra-data.d')
  await phase('pre-install.d')
  await phase('install.d')
  if (request.packages.length > 0)
    await steps.driver(driverSteps.packages, inChroot, () => installExtraPackages(build))
  await phase('post-install.d')
  await phase('post-root.d')

  await sizeDisk(build, steps)
  await phase('block-device.d')
  const disk = await createDisk(build, steps)
  // Released before the disk: mounts of a failed phase would keep its file systems busy.
  const unmounted = build.cleanup.defer('what is mounted in the tree', () =>
    unmountBelow(build, directories.mount, disk.mountPoints),
  )
  await phase('pre-finalise.d')
  await phase('finalise.d')
  await phase('cleanup.d')
  const key = steps.key()
  build.emit({ event: 'tree', ...(key === undefined ? {} : { key }) })
  await steps.enter(inChroot)
  // First what scripts left mounted or running: it is in the way of emptying /tmp, and goes on writing logs.
  await unmountBelow(build, directories.mount, disk.mountPoints)
  unmounted()
  await restoreResolvConf(directories.mount)
  await finaliseTree(directories.mount)
  build.sourceDate = await sourceDateOf(build)
  await step(build, 'normalise', () => normaliseBuild(build))
  const distribution = await treeDistribution(directories.mount)
  build.emit({
    event: 'packages',
    packages: await packageFacts(directories.mount),
    agent: await agentVersions(directories.mount),
    ...(distribution === undefined ? {} : { distribution }),
  })

  if (request.record)
    await step(build, 'file record', async () => writeFileRecord(build, await steps.writers()))

  const wanted =
    request.ramdiskElement === undefined && !build.job.elements.some(({ name }) => name === 'no-final-image')
  if (needsTree(build))
    await step(build, 'tree outputs', () => treeOutputs(outputOptions(build, { tree: directories.mount })))
  const raw = wanted && request.types.some((type) => formatOf(type).from === 'raw')
  if (raw) await step(build, 'write disk', () => writeDisk(build, disk))
  await disk.release()
  await steps.discard()
  if (raw)
    await step(build, 'convert image', () => rawOutputs(outputOptions(build, { rawPath: disk.rawPath })))
  await steps.settle()
  reportUnreproducible(build)
  build.emit({
    event: 'reproducible',
    unreproducible: build.unreproducible,
    ...(build.sourceDate === undefined ? {} : { sourceDate: build.sourceDate }),
  })
  build.print('Build completed successfully')
}

function needsTree(build: Build): boolean {
  return build.job.request.types.some((type) => formatOf(type).from === 'tree')
}

function outputOptions<T extends object>(build: Build, source: T) {
  const { request } = build.job
  return {
    ...source,
    types: request.types,
    imageName: request.imageName,
    compress: request.compress,
    reuse: build.job.cache?.clusters,
    overwrite: request.overwrite,
    cores: request.cores,
    umask: build.callerUmask,
    sourceDate: build.sourceDate,
    log: build.log,
    cleanup: build.cleanup,
    onOutput: (output: { path: string; format: string; bytes: number; sha256?: string }) =>
      build.emit({ event: 'output', ...output }),
    ...(request.checksum === undefined ? {} : { checksum: request.checksum }),
    ...(request.qemuImgOptions === undefined ? {} : { qemuImgOptions: request.qemuImgOptions }),
    ...(request.dockerTarget === undefined ? {} : { dockerTarget: request.dockerTarget }),
    ...(build.job.owner === undefined ? {} : { owner: build.job.owner }),
  }
}

/** Runs and reports one piece of the builder's own work. */
export async function step<T>(build: Build, name: string, action: () => Promise<T>): Promise<T> {
  build.emit({ event: 'step-started', step: name })
  const started = performance.now()
  const result = await action()
  build.emit({ event: 'step-finished', step: name, seconds: (performance.now() - started) / 1000 })
  return result
}

/** DIB contract §1.1 step 11. */
async function requireRootElement(build: Build, steps: TreeSteps, stage: Stage): Promise<void> {
  await steps.enter(stage)
  const names = await readdir(build.job.directories.mount)
  if (names.some((name) => name !== 'lost+found' && !name.endsWith('tmp'))) return
  throw new CofferError('ROOT_ELEMENT_EMPTY', 'Failed to deploy the root element.', {
    hint: 'No root.d script put an operating system into $TARGET_ROOT; look at the output of root.d above.',
  })
}

/** `-p`: packages named on the command line (DIB contract §1.1 step 17). */
async function installExtraPackages(build: Build): Promise<void> {
  const { packages } = build.job.request
  if (packages.length === 0) return
  const start = inPlace({ chroot: build.job.directories.mount }, build.env)
  const { exitCode } = await step(build, 'install packages', () =>
    run([...start.prefix, 'install-packages', ...packages], {
      env: start.env,
      onLine: build.print,
      check: false,
    }),
  )
  if (exitCode === 0) return
  throw new CofferError(
    'PACKAGES_NOT_INSTALLED',
    `The packages of -p could not be installed: install-packages ${packages.join(' ')} ended with status ${exitCode}`,
    {
      exitCode,
      hint:
        exitCode === 127
          ? 'No element put install-packages into the image; the element of the package manager (dpkg) does.'
          : 'Its messages are above; `break=after-install` in the environment opens a shell right before it.',
    },
  )
}
