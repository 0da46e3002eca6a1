import type { FileNode } from '../content/node.ts'
import { readWhole } from '../content/read-whole.ts'
import { findPath } from '../content/resolve.ts'

const SMALL = 65_536

/** Assignments of a file that shells read; nothing is executed or expanded. */
export function shellFile(root: FileNode, path: string): ReadonlyMap<string, string> | undefined {
  const bytes = readWhole(findPath(root, path, { follow: true })?.node, SMALL)
  if (bytes === undefined) return undefined
  const lines = bytes.toString('utf8').split('\n')
  return new Map(
    lines
      .map((line) => /^([A-Z_][A-Z0-9_]*)=(["']?)(.*)\2\s*$/.exec(line))
      .filter((match) => match !== null)
      .map(([, name = '', , value = '']) => [name, value]),
  )
}
