import type { FileNode, NodeType } from '../content/node.ts'
import { sameBytes } from './same-bytes.ts'

/** What can differ between two files of one path. */
export type Aspect = 'type' | 'content' | 'target' | 'device' | 'mode' | 'owner' | 'xattr'

/** A path that is in one image only. */
export interface OneSided {
  readonly path: string
  readonly type: NodeType
  readonly size: number
}

/** A path whose file differs. */
export interface ChangedFile {
  readonly path: string
  readonly type: NodeType
  readonly aspects: readonly Aspect[]
}

export interface FileDifferences {
  readonly added: readonly OneSided[]
  readonly removed: readonly OneSided[]
  readonly changed: readonly ChangedFile[]
}

/** Nodes by path. */
export type Tree = ReadonlyMap<string, FileNode>

/** Compares two trees, in the order of their paths. Times and numbers of links do not count, nor how files are laid out. */
export function compareFiles(from: Tree, to: Tree): FileDifferences {
  const compared = new Map<string, boolean>()
  /** Names of one file are compared once. */
  const same = (a: FileNode, b: FileNode): boolean => {
    const pair = `${a.identity}\n${b.identity}`
    const known = compared.get(pair) ?? (a.size === b.size && sameBytes(a.pieces(), b.pieces()))
    compared.set(pair, known)
    return known
  }
  const changed: ChangedFile[] = []
  for (const [path, a] of from) {
    const b = to.get(path)
    const aspects = b === undefined ? [] : differing(a, b, same)
    if (b !== undefined && aspects.length > 0) changed.push({ path, type: b.type, aspects })
  }
  return { added: onlyIn(to, from), removed: onlyIn(from, to), changed }
}

function differing(a: FileNode, b: FileNode, same: (a: FileNode, b: FileNode) => boolean): Aspect[] {
  const aspects: Aspect[] = []
  if (a.type !== b.type) aspects.push('type')
  else if (a.type === 'file' && !same(a, b)) aspects.push('content')
  else if (a.type === 'symlink' && a.target() !== b.target()) aspects.push('target')
  if (a.device?.join() !== b.device?.join()) aspects.push('device')
  if (a.mode !== b.mode) aspects.push('mode')
  if (a.uid !== b.uid || a.gid !== b.gid) aspects.push('owner')
  if (!sameAttributes(a.attributes(), b.attributes())) aspects.push('xattr')
  return aspects
}

function sameAttributes(a: ReadonlyMap<string, Buffer>, b: ReadonlyMap<string, Buffer>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name)?.equals(value) === true)
}

const onlyIn = (one: Tree, other: Tree): OneSided[] =>
  [...one].filter(([path]) => !other.has(path)).map(([path, { type, size }]) => ({ path, type, size }))
