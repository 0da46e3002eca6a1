import { closest } from '../lib/closest.ts'
import { CofferError } from '../lib/errors.ts'

/** Where a phase's scripts run: on the host beside the tree, or in a chroot in it. */
export type Side = 'outside' | 'inside'

/** One phase of a build: what its scripts may count on (DIB contract §1.1, §1.5). */
export interface Phase {
  /** The directory's name in an element and in the hooks directory. */
  readonly name: string
  readonly side: Side
  /** What elements use the phase for. */
  readonly purpose: string
  /** True where `TARGET_ROOT` is set. */
  readonly targetRoot: boolean
  /** True where `IMAGE_BLOCK_DEVICE` and `IMAGE_BLOCK_DEVICES` are set, if the image is on a device at all. */
  readonly blockDevices: boolean
  /** What is mounted in the tree while the scripts run. */
  readonly mounted: string
  /** What must be true before the first script starts. */
  readonly reliesOn: string
}

const KERNEL_MOUNTS = 'proc, dev, dev/pts, sys (read-only)'
const IN_TARGET = 'the hooks, read-only, at /tmp/in_target.d'

/** All phases in the order in which they run (DIB contract §1.1). */
export const phases = [
  {
    name: 'root.d',
    side: 'outside',
    purpose: 'make the first root file system: bootstrap a distribution or unpack one',
    targetRoot: true,
    blockDevices: false,
    mounted: 'nothing',
    reliesOn: 'TMP_MOUNT_PATH is an empty directory owned by root',
  },
  {
    name: 'extra-data.d',
    side: 'outside',
    purpose: 'bring data of the host to the image: copy it into TMP_HOOKS_PATH or TMP_MOUNT_PATH',
    targetRoot: false,
    blockDevices: false,
    mounted: KERNEL_MOUNTS,
    reliesOn: "the tree holds an operating system and has the host's resolv.conf",
  },
  {
    name: 'pre-install.d',
    side: 'inside',
    purpose: 'prepare for packages: repositories, keys, commands that later phases call',
    targetRoot: false,
    blockDevices: false,
    mounted: `${KERNEL_MOUNTS}; ${IN_TARGET}`,
    reliesOn: 'everything extra-data.d put into the hooks is there',
  },
  {
    name: 'install.d',
    side: 'inside',
    purpose: "install packages and everything else that is the image's own",
    targetRoot: false,
    blockDevices: false,
    mounted: `${KERNEL_MOUNTS}; ${IN_TARGET}`,
    reliesOn: 'repositories are set up and install-packages works',
  },
  {
    name: 'post-install.d',
    side: 'inside',
    purpose: 'what must follow the last installation: enable services, configure, tidy',
    targetRoot: false,
    blockDevices: false,
    mounted: `${KERNEL_MOUNTS}; ${IN_TARGET}`,
    reliesOn: 'all packages are installed, those of -p too',
  },
  {
    name: 'post-root.d',
    side: 'outside',
    purpose: 'a last look at the tree from the host before it is sized',
    targetRoot: false,
    blockDevices: false,
    mounted: KERNEL_MOUNTS,
    reliesOn: 'all packages are installed and configured; there is no disk yet',
  },
  {
    name: 'block-device.d',
    side: 'outside',
    purpose: "supply or adapt the disk's layout",
    targetRoot: false,
    blockDevices: false,
    mounted: 'nothing; the tree is at TMP_BUILD_DIR/built and TMP_MOUNT_PATH does not exist',
    reliesOn: 'the size is known: DIB_IMAGE_SIZE is in KiB from here on',
  },
  {
    name: 'pre-finalise.d',
    side: 'outside',
    purpose: 'work on the image file systems from the host',
    targetRoot: false,
    blockDevices: true,
    mounted: `the image's file systems; ${KERNEL_MOUNTS}`,
    reliesOn: 'the tree is in its final place and has its fstab',
  },
  {
    name: 'finalise.d',
    side: 'inside',
    purpose: 'work that needs the final file systems: the boot loader',
    targetRoot: false,
    blockDevices: true,
    mounted: `the image's file systems; ${KERNEL_MOUNTS}; ${IN_TARGET}`,
    reliesOn: 'the tree is in its final place and has its fstab',
  },
  {
    name: 'cleanup.d',
    side: 'outside',
    purpose: 'take out what only the build needed, and copy results to the host',
    targetRoot: true,
    blockDevices: true,
    mounted: `the image's file systems; ${KERNEL_MOUNTS}`,
    reliesOn: 'every script inside has run',
  },
] as const satisfies readonly Phase[]

export type PhaseName = (typeof phases)[number]['name']

/** A phase of the table, with its name as a type. */
export type NamedPhase = Phase & { readonly name: PhaseName }

/**
 * The phase of a directory name.
 *
 * @throws CofferError `PHASE_UNKNOWN` when no phase has that name
 */
export function phaseNamed(name: string): NamedPhase {
  const phase = phases.find((candidate) => candidate.name === name)
  if (phase !== undefined) return phase
  const names = phases.map((candidate) => candidate.name)
  const near = closest(name, names)
  throw new CofferError('PHASE_UNKNOWN', `'${name}' is not a phase`, {
    hint: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `The phases are ${names.join(', ')}.`,
  })
}

/** The names a phase's breaks have in the `break` variable: without the `.d` (DIB contract §1.8). */
export function breakNames(phase: Pick<Phase, 'name'>): { readonly before: string; readonly after: string } {
  const stage = phase.name.replace(/\.d$/, '')
  return { before: `before-${stage}`, after: `after-${stage}` }
}

/** The side of a directory's scripts; undefined for a directory that is no phase. */
export function phaseSide(directory: string): Side | undefined {
  return phases.find(({ name }) => name === directory)?.side
}
