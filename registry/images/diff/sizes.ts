import type { Tree } from './files.ts'

/** Bytes of the files below a directory of the root, in each image. */
export interface DirectorySize {
  readonly path: string
  readonly from: number
  readonly to: number
}

/** Sizes of what is in the root directory, by path. Files with several names count once, at the first of them. */
export function compareSizes(from: Tree, to: Tree): readonly DirectorySize[] {
  const [before, after] = [sizes(from), sizes(to)]
  return [...new Set([...before.keys(), ...after.keys()])]
    .toSorted()
    .map((path) => ({ path, from: before.get(path) ?? 0, to: after.get(path) ?? 0 }))
}

function sizes(tree: Tree): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  const counted = new Set<string>()
  for (const [path, { type, size, links, identity }] of tree) {
    if (type !== 'file' || counted.has(identity)) continue
    if (links > 1) counted.add(identity)
    const [, top = ''] = path.split('/')
    sums.set(`/${top}`, (sums.get(`/${top}`) ?? 0) + size)
  }
  return sums
}
