import { basename, dirname } from 'node:path'
import { closest } from '../../../lib/closest.ts'
import type { FileNode } from '../content/node.ts'
import { findPath } from '../content/resolve.ts'
import { walk } from '../content/walk.ts'

const MAX_NEAR = 5

/**
 * Paths that somebody may have meant: files of the same name elsewhere, then names like it in the nearest directory that
 * exists.
 */
export function nearPaths(root: FileNode, path: string): readonly string[] {
  const name = basename(path)
  const found = new Set<string>()
  for (const place of walk({ path: '/', node: root })) {
    if (basename(place.path) === name) found.add(place.path)
    if (found.size === MAX_NEAR) break
  }
  for (const near of likeIt(root, path)) if (found.size < MAX_NEAR) found.add(near)
  return [...found]
}

/** Names like the first part of the path that does not exist. */
function likeIt(root: FileNode, path: string): readonly string[] {
  let missing = path
  for (let parent = dirname(path); ; missing = parent, parent = dirname(parent)) {
    const place = findPath(root, parent, { follow: true })
    if (place !== undefined) {
      const prefix = place.path === '/' ? '' : place.path
      return closest(basename(missing), place.node.names()).map((near) => `${prefix}/${near}`)
    }
    if (parent === '/' || parent === '.') return []
  }
}
