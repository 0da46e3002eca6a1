import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError, isErrno } from '../../lib/errors.ts'
import type { ResolvedElement } from '../../phases/resolve.ts'
import type { Unreproducible } from '../../registry/images/record.ts'
import { matchInTree } from './normalise/tree-match.ts'

/** File of an element that names what its packages write differently each time. */
export const UNREPRODUCIBLE_FILE = 'unreproducible'

/** What an element declares. */
export interface Declared extends Unreproducible {
  /** A lock keeps the content, so that builds from the lock have the same. */
  readonly lock: boolean
}

/** Files that packages are known to write differently each time, whatever element brings them. */
export const knownUnreproducible: readonly Unreproducible[] = [
  {
    path: '/etc/ssh/ssh_host_*_key*',
    reason: 'is a key that the package made; element runtime-ssh-host-keys lets each machine make its own',
  },
  {
    path: '/etc/ssl/private/ssl-cert-snakeoil.key',
    reason: 'is a key that the package ssl-cert made',
  },
  {
    path: '/etc/ssl/certs/ssl-cert-snakeoil.pem',
    reason: 'is a certificate that the package ssl-cert made for this host',
  },
  {
    path: '/etc/ssl/certs/java/cacerts',
    reason: 'holds the time at which each certificate was added',
  },
  {
    path: '/etc/iscsi/initiatorname.iscsi',
    reason: 'holds a random name that the package made',
  },
]

/**
 * What of a finished tree may differ in the next build of the same inputs: known files, and those that the elements'
 * `unreproducible` files declare. Only what is there is named.
 *
 * @param tree the finished tree, on the host
 * @returns by path; no path lies below another
 * @throws CofferError `UNREPRODUCIBLE_FILE_INVALID`
 */
export async function unreproduciblePaths(
  elements: readonly Pick<ResolvedElement, 'name' | 'path'>[],
  tree: string,
): Promise<Unreproducible[]> {
  const found = new Map<string, string>()
  for (const { path: pattern, reason } of [
    ...knownUnreproducible,
    ...(await declaredUnreproducible(elements)),
  ]) {
    for (const path of await matchInTree(tree, pattern)) found.set(path, reason)
  }
  return [...found]
    .filter(([path]) => ![...found.keys()].some((other) => path.startsWith(`${other}/`)))
    .map(([path, reason]) => ({ path, reason }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** What the elements of a build declare, in their order. @throws CofferError `UNREPRODUCIBLE_FILE_INVALID` */
export async function declaredUnreproducible(
  elements: readonly Pick<ResolvedElement, 'name' | 'path'>[],
): Promise<Declared[]> {
  return (await Promise.all(elements.map(declarationsOf))).flat()
}

async function declarationsOf({ name, path }: Pick<ResolvedElement, 'name' | 'path'>): Promise<Declared[]> {
  const text = await readFile(join(path, UNREPRODUCIBLE_FILE), 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'EISDIR')) return ''
    throw error
  })
  return parseUnreproducible(text, name)
}

/**
 * Reads an element's `unreproducible` file: lines of an absolute path of the image, in which `*` stands for any characters
 * of one name, blanks, and a reason that ends the sentence which the path begins. The word `lock` before the path says that
 * locks keep the content. `#` begins a comment line.
 *
 * @param element for the error
 * @throws CofferError `UNREPRODUCIBLE_FILE_INVALID`
 */
export function parseUnreproducible(text: string, element: string): Declared[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, lock, path = '', reason = ''] = /^(lock\s+)?(\/\S+)\s+(\S.*?)\s*$/.exec(line) ?? []
      if (path !== '') return { path, reason, lock: lock !== undefined }
      throw new CofferError(
        'UNREPRODUCIBLE_FILE_INVALID',
        `The file ${UNREPRODUCIBLE_FILE} of element ${element} has a line that is no path and reason: ${line}`,
        { hint: 'For example: /var/lib/mysql holds times and random ids of its first start' },
      )
    })
}
