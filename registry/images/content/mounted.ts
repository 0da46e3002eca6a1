import type { FileNode } from './node.ts'

/**
 * A tree with others in the places where they are mounted. A place must be there as a directory, as for mount(8).
 *
 * @param mounts roots of the others by absolute path
 */
export function mounted(root: FileNode, mounts: ReadonlyMap<string, FileNode>): FileNode {
  return at(root, '')

  /** Directories on the way to a place are wrapped, everything else is as it was. */
  function at(node: FileNode, path: string): FileNode {
    if (![...mounts.keys()].some((place) => place.startsWith(`${path}/`))) return node
    return {
      ...node,
      child(name) {
        const child = node.child(name)
        if (child?.type !== 'directory') return child
        const childPath = `${path}/${name}`
        return at(mounts.get(childPath) ?? child, childPath)
      },
    }
  }
}
