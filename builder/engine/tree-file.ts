import { lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../lib/errors.ts'
import { readRegularFile } from '../../lib/regular-file.ts'

/** As many as Linux follows (path_resolution(7)). */
const MAX_LINKS = 40

/**
 * Reads a file of an image's tree as a process in the image would find it: absolute links start at the tree's root, `..`
 * stops there, and so nothing outside is ever read. The tree must be at rest.
 *
 * @param tree the root of the file system
 * @param path inside the tree
 * @param maxBytes larger files count as absent, as does everything that is no regular file
 */
export async function readTreeFile(
  tree: string,
  path: string,
  maxBytes: number,
): Promise<string | undefined> {
  const real = await resolveInTree(tree, path)
  if (real === undefined) return undefined
  const file = await readRegularFile(join(tree, real), { maxBytes, follow: false }).catch(absent)
  return file?.bytes.toString('utf8')
}

/** @returns the path inside the tree without links, or undefined when there is nothing */
async function resolveInTree(tree: string, path: string): Promise<string | undefined> {
  const todo = path.split('/').reverse()
  const done: string[] = []
  let links = 0
  while (todo.length > 0) {
    const part = todo.pop() ?? ''
    if (part === '' || part === '.') continue
    if (part === '..') {
      done.pop()
      continue
    }
    const here = join(tree, ...done, part)
    const stat = await lstat(here).catch(absent)
    if (stat === undefined) return undefined
    if (!stat.isSymbolicLink()) {
      done.push(part)
      continue
    }
    if (++links > MAX_LINKS) return undefined
    const target = await readlink(here)
    if (target.startsWith('/')) done.length = 0
    todo.push(...target.split('/').reverse())
  }
  return done.join('/')
}

function absent(error: unknown): undefined {
  if (isErrno(error) && /^(ENOENT|ENOTDIR|ELOOP|ENXIO|ENAMETOOLONG)$/.test(error.code ?? '')) return undefined
  throw error
}
