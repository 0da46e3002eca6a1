import type { FileNode } from './node.ts'

/** Contents of a file up to so many bytes; undefined when it is larger or no file. */
export function readWhole(node: FileNode | undefined, limit: number): Buffer | undefined {
  if (node?.type !== 'file' || node.size > limit) return undefined
  return Buffer.concat([...node.pieces()])
}
