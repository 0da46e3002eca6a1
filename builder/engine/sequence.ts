import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'
import type { PhaseName } from '../../phases/phases.ts'
import { formatOf, rawOutputs, treeOutputs } from '../output/index.ts'
import type { Build } from './build.ts'
import { mountChroot, unmountBelow } from './chroot-mounts.ts'
import { createDisk, initDisk, sizeDisk, writeDisk } from './disk.ts'
import { finaliseTree } from './finalise.ts'
import { asCaller, normaliseBuild, reportUnreproducible } from './reproducible.ts'
import { lendResolvConf, restoreResolvConf } from './resolv-conf.ts'
import { runPhase, writeInstallType } from './run-phase.ts'
import { inPlace } from './script.ts'
import { treePackages } from './tree-packages.ts'

/**
 * A whole build inside the sandbox, in DIB's order (DIB contract §1.1, steps 8 to 33).
 *
 * In file mode the tree stays a directory until the end; in loop mode it moves into mounted file systems after
 * block-device.d. Scripts see the same paths either way.
 */
export async function runBuild(build: Build): Promise<void> {
  const { directories, request } = build.job
  const phase = (name: PhaseName) => runPhase(build, name)
  await initDisk(build)
  await mkdir(directories.mount, { mode: 0o755 })

  await phase('root.d')
  await requireRootElement(directories.mount)
  await lendResolvConf(directories.mount)
  await mountChroot(build)
  await writeInstallType(build)
  await phase('extra-data.d')
  await phase('pre-install.d')
  await phase('install.d')
  await installExtraPackages(build)
  await phase('post-install.d')
  await phase('post-root.d')

  await rm(`${directories.mount}/lost+found`, { recursive: true, force: true })
  await unmountBelow(build, directories.mount)
  await rename(directories.mount, directories.built)
  await sizeDisk(build)
  await phase('block-device.d')
  const disk = await createDisk(build)
  // Released before the disk: mounts of a failed phase would keep its file systems busy.
  const unmounted = build.cleanup.defer('what is mounted in the tree', () =>
    unmountBelow(build, directories.mount, disk.mountPoints),
  )
  await mountChroot(build)
  await phase('pre-finalise.d')
  await phase('finalise.d')
  await phase('cleanup.d')
  // First what scripts left mounted or running: it is in the way of emptying /tmp, and goes on writing logs.
  await unmountBelow(build, directories.mount, disk.mountPoints)
  unmounted()
  await restoreResolvConf(directories.mount)
  await finaliseTree(directories.mount)
  await step(build, 'normalise', () => normaliseBuild(build))
  build.emit({ event: 'packages', packages: await treePackages(directories.mount) })

  const wanted =
    request.ramdiskElement === undefined && !build.job.elements.some(({ name }) => name === 'no-final-image')
  if (needsTree(build))
    await step(build, 'tree outputs', () =>
      asCaller(build, () => treeOutputs(outputOptions(build, { tree: directories.mount }))),
    )
  const raw = wanted && request.types.some((type) => formatOf(type).from === 'raw')
  if (raw) await step(build, 'write disk', () => writeDisk(build, disk))
  await disk.release()
  if (disk.mountPoints.length === 0) await removeTree(directories.mount)
  if (raw)
    await step(build, 'convert image', () =>
      asCaller(build, () => rawOutputs(outputOptions(build, { rawPath: disk.rawPath }))),
    )
  reportUnreproducible(build)
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
    overwrite: request.overwrite,
    cores: request.cores,
    sourceDate: build.job.sourceDate,
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
async function requireRootElement(root: string): Promise<void> {
  const names = await readdir(root)
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
