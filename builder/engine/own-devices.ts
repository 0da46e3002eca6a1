import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { type MountRequest, makeReadOnly, mount, mountAll, mountsBelow, unmount } from '../../lib/mount.ts'
import type { BuildJob } from './build.ts'

/** Devices that programs expect in a chroot and that anybody may use. */
const DEVICES = ['full', 'null', 'random', 'tty', 'urandom', 'zero']

/** What udev makes of /dev beside devices (hier(7), pts(4)). */
const LINKS: Readonly<Record<string, string>> = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
  ptmx: 'pts/ptmx',
}

/** Where a build in a user namespace keeps a /dev and a /sys for its chroots. */
function placesOf({ directories }: BuildJob): { readonly dev: string; readonly sys: string } {
  return { dev: `${directories.build}/.devices/dev`, sys: `${directories.build}/.devices/sys` }
}

/**
 * Makes a /dev of the build's own and a read-only copy of /sys. In a user namespace no device can be made, the machine's
 * /dev cannot be bound as a whole, and a /sys cannot be mounted without a network namespace of one's own.
 */
export async function makeOwnDevices(job: BuildJob): Promise<void> {
  const { dev, sys } = placesOf(job)
  await mkdir(dev, { recursive: true })
  await mkdir(sys)
  await mount({ source: 'tmpfs', target: dev, type: 'tmpfs', options: ['mode=755', 'nosuid', 'size=64k'] })
  for (const name of DEVICES) await writeFile(`${dev}/${name}`, '')
  for (const [name, to] of Object.entries(LINKS)) await symlink(to, `${dev}/${name}`)
  for (const name of ['pts', 'shm']) await mkdir(`${dev}/${name}`)
  await mountAll([
    ...DEVICES.map((name): MountRequest => bound(`/dev/${name}`, `${dev}/${name}`)),
    {
      source: 'devpts',
      target: `${dev}/pts`,
      type: 'devpts',
      options: ['nosuid', 'noexec', 'gid=5', 'mode=620', 'ptmxmode=666'],
    },
    { source: 'tmpfs', target: `${dev}/shm`, type: 'tmpfs', options: ['mode=1777', 'nosuid', 'nodev'] },
    bound('/sys', sys),
  ])
  await makeReadOnly(sys)
  for (const point of await mountsBelow(sys)) {
    // One that lies hidden below another cannot be reached, neither by this nor by a script.
    await makeReadOnly(point).catch(() => undefined)
  }
}

/** Shows them in a tree. */
export async function showOwnDevices(job: BuildJob, root: string): Promise<void> {
  const { dev, sys } = placesOf(job)
  await mountAll([bound(dev, `${root}/dev`), bound(sys, `${root}/sys`)])
}

/** Takes /sys out of a tree. Parts of it belong to the machine: they can be unmounted with it only, and not one by one. */
export async function returnSys(root: string): Promise<void> {
  await unmount(`${root}/sys`, { lazy: true })
}

function bound(source: string, target: string): MountRequest {
  return { source, target, options: ['rbind'] }
}
