import { CofferError } from '../../../lib/errors.ts'
import type { FileNode } from './node.ts'

/** A node and the path by which it is reached without any symbolic link. */
export interface Place {
  readonly path: string
  readonly node: FileNode
}

/** As many links as Linux follows. */
const MAX_LINKS = 40

/**
 * Finds a path in an image. Symbolic links lead to places inside the image only, as if its root directory were this
 * machine's; `..` of the root is the root.
 *
 * @param path absolute, or relative to the root
 * @param follow whether a symbolic link at the end is followed too
 * @throws CofferError IMAGE_PATH_NOT_FOUND, IMAGE_PATH_LOOP
 */
export function resolvePath(root: FileNode, path: string, { follow }: { readonly follow: boolean }): Place {
  const trail: Place[] = [{ path: '/', node: root }]
  let rest = words(path)
  let links = 0
  while (rest.length > 0) {
    const [word = '', ...later] = rest
    rest = later
    const here = trail.at(-1) ?? { path: '/', node: root }
    if (word === '..') {
      if (trail.length > 1) trail.pop()
      continue
    }
    const node = here.node.child(word)
    if (node === undefined) throw notFound(path)
    if (node.type === 'symlink' && (follow || rest.length > 0)) {
      links += 1
      if (links > MAX_LINKS) {
        throw new CofferError(
          'IMAGE_PATH_LOOP',
          `${path}: too many symbolic links in the image lead on from it`,
        )
      }
      const target = node.target()
      if (target.startsWith('/')) trail.length = 1
      rest = [...words(target), ...rest]
      continue
    }
    trail.push({ path: `${here.path === '/' ? '' : here.path}/${word}`, node })
  }
  return trail.at(-1) ?? { path: '/', node: root }
}

/** As {@link resolvePath}, or undefined for what does not exist. */
export function findPath(root: FileNode, path: string, how: { readonly follow: boolean }): Place | undefined {
  try {
    return resolvePath(root, path, how)
  } catch (error) {
    if (error instanceof CofferError && /^IMAGE_PATH_/.test(error.code)) return undefined
    throw error
  }
}

export function notFound(path: string, hint?: string): CofferError {
  return new CofferError(
    'IMAGE_PATH_NOT_FOUND',
    `${path} does not exist in the image`,
    hint === undefined ? {} : { hint },
  )
}

const words = (path: string): string[] => path.split('/').filter((word) => word !== '' && word !== '.')
