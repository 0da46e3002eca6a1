import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { lstat, readFile } from 'node:fs/promises'
import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import { mount, mountAll, mountsBelow, unmount } from '../../lib/mount.ts'
import type { Build } from './build.ts'
import { showOwnDevices } from './own-devices.ts'

/**
 * Mounts proc, dev, dev/pts and a read-only sys in the tree (DIB contract §1.5). The root of a user namespace may not
 * mount all that root may: it gets what looks the same to scripts.
 */
export async function mountChroot(build: Build): Promise<void> {
  const root = build.job.directories.mount
  const points = ['proc', 'dev', 'sys'].map((name) => `${root}/${name}`)
  const there = await Promise.all(points.map((point) => lstat(point).catch(() => undefined)))
  if (!there.every((stat) => stat?.isDirectory())) await run(['mkdir', '-p', '--', ...points])
  const proc = { source: 'none', target: `${root}/proc`, type: 'proc' }
  if (build.job.rootless) {
    await mount(proc)
    return await showOwnDevices(build.job, root)
  }
  await mountAll([
    proc,
    { source: '/dev', target: `${root}/dev`, options: ['bind'] },
    { source: 'devpts', target: `${root}/dev/pts`, type: 'devpts', options: await devptsOptions() },
    { source: 'none', target: `${root}/sys`, type: 'sysfs', options: ['ro'] },
  ])
}

/** A second instance of devpts needs the host's own options, or terminals in the chroot belong to nobody. */
async function devptsOptions(): Promise<string[]> {
  const table = await readFile('/proc/self/mounts', 'utf8')
  const line = table.split('\n').find((entry) => entry.split(' ')[1] === '/dev/pts')
  return (line?.split(' ')[3] ?? 'rw,mode=620,ptmxmode=666').split(',')
}

/**
 * Unmounts everything below the tree, also what elements left mounted, except the image's own file systems
 * (DIB contract §1.7). Processes that still run in the tree are ended first: they would go on writing into the image.
 */
export async function unmountBelow(build: Build, root: string, keep: readonly string[] = []): Promise<void> {
  endProcessesIn(root, build)
  const kept = new Set(keep.map((point) => `${root}${point === '/' ? '' : point}`))
  const points = (await mountsBelow(root)).filter((point) => !kept.has(point))
  for (const point of points) {
    // What is mounted inside another goes with it, and may not be unmounted alone where it was lent to a user namespace.
    if (!points.some((other) => point.startsWith(`${other}/`))) await unmount(point, { lazy: true })
  }
  const left = (await mountsBelow(root)).filter((point) => !kept.has(point))
  if (left.length > 0) {
    throw new CofferError('UNMOUNT_FAILED', `${left[0]} could not be unmounted`)
  }
}

/** Processes that have their root directory in the tree: a daemon that a package script started. */
export function processesIn(root: string): { readonly pid: number; readonly command: string }[] {
  const real = realpathSync(root)
  const found: { pid: number; command: string }[] = []
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || entry === String(process.pid)) continue
    try {
      if (readlinkSync(`/proc/${entry}/root`) !== real) continue
      found.push({ pid: Number(entry), command: readFileSync(`/proc/${entry}/comm`, 'utf8').trim() })
    } catch {
      // It has ended meanwhile.
    }
  }
  return found
}

function endProcessesIn(root: string, build: Build): void {
  for (const { pid, command } of processesIn(root)) {
    build.log.warn(`A process was left running in the image and is ended: ${command} (pid ${pid})`)
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself meanwhile.
    }
  }
}
