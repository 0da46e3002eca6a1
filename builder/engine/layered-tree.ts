import { chmod, chown, lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises'
import { type MountRequest, mountAll, mountsBelow, unmountAll } from '../../lib/mount.ts'
import { exists } from '../../lib/path-kind.ts'
import { removeTree } from '../../lib/tree.ts'
import { cacheLayout, layerParts } from '../cache/layout.ts'
import { completeHardLinks } from './hard-links.ts'

/** Where the layers of a build lie, and where it shows them. */
export interface LayeredTreePlace {
  /** A step cache (see builder/cache/layout.ts), or a directory in memory that is laid out the same way. */
  readonly cache: string
  /** This build's own directory in it. */
  readonly drafts: string
  /** Where the hooks appear. Their first state is `drafts/base`. */
  readonly hooks: string
  /** In a user namespace overlayfs keeps its notes in `user.*` attributes. */
  readonly rootless: boolean
}

/** Directory of a draft for what overlayfs works with. */
const WORK = 'work'

/** Deletes what overlayfs worked with: a handful of names, where nobody else may write. No program needs to be started. */
async function removeWork(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
}

/** What overlayfs makes in a work directory. */
const OVERLAY_WORK = 'work'

/** What a step changed. */
export interface Changes {
  readonly tree: boolean
  readonly hooks: boolean
}

/**
 * The tree and the hooks as a pile of layers, one a step: what a script writes lies apart from what was there before.
 *
 * Everything is overlayfs. The upper directory of the running step is the draft; when the step is done, the draft becomes the
 * topmost lower layer and the next step gets a fresh one.
 */
export interface LayeredTree {
  /** Puts a finished layer on top, in the place of a draft. The tree must not be mounted. */
  readonly adopt: (name: string, changes: Changes) => void
  /** Mounts tree and hooks. The tree appears at `target`; nothing happens when it does already. */
  readonly mountAt: (target: string) => Promise<void>
  /** @returns false when something in the tree is busy; it is then still mounted */
  readonly unmount: () => Promise<boolean>
  /** Takes the tree away and leaves the hooks mounted. */
  readonly unmountTree: () => Promise<boolean>
  readonly mountedAt: () => string | undefined
  /** What the step has changed so far. */
  readonly changes: () => Promise<Changes>
  /** Makes the draft fit to be a layer, while it is mounted still. */
  readonly complete: () => Promise<void>
  /** The topmost layer of the tree, below `layers/`; undefined when a draft lies on it. */
  readonly top: () => string | undefined
  /** The draft as a directory with the parts of a layer, and no longer ours. The tree must not be mounted. */
  readonly takeDraft: (changes: Changes) => Promise<string>
  /** An empty directory for a layer that changes nothing. */
  readonly emptyDraft: () => Promise<string>
}

/** Opens a pile without layers. */
export async function openLayeredTree(place: LayeredTreePlace): Promise<LayeredTree> {
  const layout = cacheLayout(place.cache)
  const own = `../builds/${place.drafts.slice(layout.builds.length + 1)}`
  const lowers = { tree: [] as string[], hooks: [`${own}/base`] }
  let count = 0
  let draft: string | undefined
  let target: string | undefined
  await mkdir(layout.layers, { recursive: true, mode: 0o700 })
  // overlayfs wants at least one lower directory.
  await mkdir(`${place.drafts}/nothing`, { recursive: true })

  /** The root of the merged tree has the attributes of the topmost directory. */
  async function likeBelow(part: 'tree' | 'hooks', path: string): Promise<void> {
    const top = lowers[part][0]
    if (top === undefined) return await chmod(path, 0o755)
    const { mode, uid, gid } = await lstat(`${layout.layers}/${top}`)
    await chown(path, uid, gid)
    await chmod(path, mode & 0o7777)
  }

  async function ensureDraft(): Promise<string> {
    if (draft !== undefined) return draft
    draft = `${place.drafts}/${++count}`
    await mkdir(draft)
    for (const part of ['tree', 'hooks'] as const) {
      const upper = `${draft}/${layerParts[part]}`
      await mkdir(upper, { mode: 0o755 })
      await likeBelow(part, upper)
    }
    return draft
  }

  async function overlay(part: 'tree' | 'hooks', target: string): Promise<MountRequest> {
    const at = await ensureDraft()
    const directory = `${own}/${at.slice(place.drafts.length + 1)}`
    const work = `${WORK}/${layerParts[part]}`
    await mkdir(`${at}/${work}`, { recursive: true })
    // A work directory remembers that its mount was volatile and refuses another. Its index is needed again.
    await removeWork([at, work, OVERLAY_WORK, 'incompat'].join('/'))
    const lower = lowers[part].length === 0 ? [`${own}/nothing`] : lowers[part]
    return {
      source: 'coffer',
      target,
      type: 'overlay',
      options: [
        `lowerdir=${lower.join(':')}`,
        `upperdir=${directory}/${layerParts[part]}`,
        `workdir=${directory}/${work}`,
        // A build that is cut off starts anew from its last layer: there is nothing to be written out in a hurry.
        'volatile',
        ...(place.rootless ? ['userxattr'] : ['redirect_dir=on', 'metacopy=off', 'index=on']),
      ],
    }
  }

  async function changed(part: 'tree' | 'hooks'): Promise<boolean> {
    if (draft === undefined) return false
    const upper = `${draft}/${layerParts[part]}`
    if ((await readdir(upper)).length > 0) return true
    const top = lowers[part][0]
    const [now, before] = await Promise.all([
      lstat(upper),
      top === undefined ? undefined : lstat(`${layout.layers}/${top}`),
    ])
    return (
      before !== undefined && (now.mode !== before.mode || now.uid !== before.uid || now.gid !== before.gid)
    )
  }

  async function unmountTree(): Promise<boolean> {
    if (target === undefined) return true
    if (!(await unmountAll(target))) return false
    await forget(target)
    return true
  }

  async function forget(point: string): Promise<void> {
    await rmdir(point)
    target = undefined
  }

  return {
    adopt(name, changes) {
      // What the builder did between steps, such as lending name servers, must not hide what the layer holds; and an index
      // belongs to the layers that it was made on.
      if (changes.tree || changes.hooks) draft = undefined
      if (changes.tree) lowers.tree.unshift(`${name}/${layerParts.tree}`)
      if (changes.hooks) lowers.hooks.unshift(`${name}/${layerParts.hooks}`)
    },

    async mountAt(at) {
      if (target === at) return
      if (target !== undefined) throw new Error(`the tree is mounted at ${target} already`)
      await mkdir(at, { recursive: true, mode: 0o755 })
      await mkdir(place.hooks, { recursive: true })
      const mounts = [await overlay('hooks', place.hooks), await overlay('tree', at)]
      await mountAll(mounts, layout.layers)
      target = at
    },

    unmountTree,

    async unmount() {
      if (target === undefined) return true
      const done = await unmountAll(target, place.hooks)
      // Where the hooks alone are busy, the tree has gone all the same.
      if (!done && (await mountsBelow(target, { inclusive: true })).length > 0) return false
      await forget(target)
      return done
    },

    mountedAt: () => target,

    async changes() {
      return { tree: await changed('tree'), hooks: await changed('hooks') }
    },

    async complete() {
      if (draft !== undefined && target !== undefined)
        await completeHardLinks(`${draft}/${layerParts.tree}`, target)
    },

    top: () => (target === undefined ? lowers.tree[0] : undefined),

    async takeDraft(changes) {
      const taken = draft ?? (await ensureDraft())
      draft = undefined
      await removeWork(`${taken}/${WORK}`)
      for (const part of ['tree', 'hooks'] as const) {
        if (!changes[part]) await removeTree(`${taken}/${layerParts[part]}`)
      }
      return taken
    },

    async emptyDraft() {
      const path = `${place.drafts}/${++count}`
      if (!(await exists(path))) await mkdir(path)
      return path
    },
  }
}
