import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The paths in a tree that a pattern names. `*` stands for any characters of one name. No link is followed on the way: a
 * link of the tree may lead to files of this machine.
 *
 * @param pattern absolute in the image, such as `/var/cache/*.bin`
 * @returns absolute in the image, in byte order; empty when nothing is there
 */
export async function matchInTree(tree: string, pattern: string): Promise<string[]> {
  let found = ['']
  for (const part of pattern.split('/').filter((word) => word !== '')) {
    const next = await Promise.all(found.map((path) => entriesLike(tree, path, part)))
    found = next.flat()
  }
  return found.filter((path) => path !== '').sort()
}

async function entriesLike(tree: string, path: string, part: string): Promise<string[]> {
  const directory = await lstat(join(tree, path)).catch(() => undefined)
  if (directory?.isDirectory() !== true) return []
  if (!part.includes('*')) {
    const there = await lstat(join(tree, path, part)).catch(() => undefined)
    return there === undefined || part === '..' ? [] : [`${path}/${part}`]
  }
  const pieces = part.split('*').map((piece) => piece.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  const like = new RegExp(`^${pieces.join('.*')}$`, 's')
  return (await readdir(join(tree, path))).filter((name) => like.test(name)).map((name) => `${path}/${name}`)
}
