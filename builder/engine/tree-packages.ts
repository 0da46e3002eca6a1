import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../lib/errors.ts'

/** An installed package of a finished tree. */
export interface TreePackage {
  readonly name: string
  readonly version: string
  readonly architecture: string
}

/**
 * The packages that dpkg has installed in a tree, by name. Empty for a tree without dpkg.
 *
 * @param tree the root of the file system
 */
export async function treePackages(tree: string): Promise<readonly TreePackage[]> {
  const text = await readFile(join(tree, 'var/lib/dpkg/status'), 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return ''
    throw error
  })
  return parseDpkgStatus(text)
}

/** Reads dpkg's status file (deb-status(5)): paragraphs of fields; only what is installed whole counts. */
export function parseDpkgStatus(text: string): readonly TreePackage[] {
  const packages: TreePackage[] = []
  for (const paragraph of text.split(/\n{2,}/)) {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1]?.trim()
    const name = field('Package')
    const version = field('Version')
    if (name === undefined || version === undefined || !/ installed$/.test(field('Status') ?? '')) continue
    packages.push({ name, version, architecture: field('Architecture') ?? '' })
  }
  return packages.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}
