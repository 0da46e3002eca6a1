import { mkdir, rename, rmdir } from 'node:fs/promises'
import { bindReadOnly, mountsBelow, unmount } from '../../lib/mount.ts'
import { exists } from '../../lib/path-kind.ts'
import { removeTree } from '../../lib/tree.ts'
import type { Build } from './build.ts'
import { renewBuildProxy } from './build-proxy-conf.ts'
import { mountChroot, unmountBelow } from './chroot-mounts.ts'
import type { LayeredTree } from './layered-tree.ts'
import { returnSys } from './own-devices.ts'
import { exchangeResolvConf, hostResolvConf } from './resolv-conf.ts'

/** Where the hooks appear in the chroot. */
export const IN_TARGET = '/tmp/in_target.d'

/** How scripts find the tree. */
export interface Stage {
  /** Where it is. */
  readonly at: string
  /** Whether proc, dev and sys are mounted in it. */
  readonly chroot: boolean
  /** Whether the hooks are, at {@link IN_TARGET}. */
  readonly hooksInside: boolean
}

/** Brings the tree from one stage of a build to the next. */
export interface Staging {
  readonly enter: (stage: Stage) => Promise<void>
  /** Unmounts all of it, so that its layers may change. @returns false when something in it is busy */
  readonly leave: () => Promise<boolean>
  /** Takes the tree away: its mount, or the directory that it is. */
  readonly discard: () => Promise<void>
  /** From now on the tree is whatever is mounted or lies at its place. */
  readonly becomePlain: () => void
  /** From now on name servers are lent to the tree: this text, until the host's change or an element does. */
  readonly lent: (text: string) => void
}

/**
 * @param layers undefined when the tree is a plain directory, where overlayfs cannot be had
 */
export function openStaging(build: Build, initial: LayeredTree | undefined): Staging {
  let layers = initial
  let at: string | undefined
  let chroot = false
  let hooksInside = false
  let nameServers: string | undefined

  async function place(next: string): Promise<void> {
    if (at === next) return
    if (at !== undefined) {
      await unmountBelow(build, at)
      chroot = hooksInside = false
    }
    if (layers === undefined) {
      if (at === undefined) await mkdir(next, { recursive: true, mode: 0o755 })
      else if (await exists(at)) await rename(at, next)
    } else {
      if (at !== undefined) await layers.unmount()
      await layers.mountAt(next)
      await renewBuildProxy(next, build.job)
      // A layer from the cache holds the name servers of another day.
      if (nameServers !== undefined) await exchangeResolvConf(next, nameServers, await hostResolvConf())
    }
    at = next
  }

  async function showHooks(root: string, wanted: boolean): Promise<void> {
    if (hooksInside === wanted) return
    const target = `${root}${IN_TARGET}`
    if (wanted) {
      await mkdir(target, { recursive: true })
      await bindReadOnly(build.job.directories.hooks, target)
    } else {
      await unmount(target, { lazy: true })
      // In a layer the empty directory stays: taking it away would be a change of its own. The end of the build empties /tmp.
      if (layers === undefined) await rmdir(target).catch(() => undefined)
    }
    hooksInside = wanted
  }

  return {
    async enter(stage) {
      await place(stage.at)
      if (chroot && !stage.chroot) {
        await unmountBelow(build, stage.at)
        chroot = hooksInside = false
      }
      if (!chroot && stage.chroot) await mountChroot(build)
      chroot = stage.chroot
      await showHooks(stage.at, stage.hooksInside)
    },
    async leave() {
      if (layers === undefined || at === undefined) return layers !== undefined
      if (nameServers !== undefined) await exchangeResolvConf(at, await hostResolvConf(), nameServers)
      if (chroot && build.job.rootless) await returnSys(at)
      const left = await layers.unmount()
      // What was mounted inside has gone in either case.
      if (!left) await unmountBelow(build, at)
      else at = undefined
      chroot = hooksInside = false
      return left
    },
    async discard() {
      if (at === undefined) return
      await unmountBelow(build, at)
      if (layers !== undefined) await layers.unmountTree()
      else if ((await mountsBelow(at, { inclusive: true })).length === 0) await removeTree(at)
    },
    becomePlain() {
      layers = undefined
      at = build.job.directories.mount
      chroot = hooksInside = false
    },
    lent(text) {
      nameServers = text
    },
  }
}
