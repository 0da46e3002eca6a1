import { type InstalledPackage, parseStatus } from '../../registry/images/dpkg/status.ts'
import type { RecordedDistribution, RecordedPackage } from '../../registry/images/record.ts'
import { parseCopyright } from './copyright-file.ts'
import { readTreeFile } from './tree-file.ts'

/** The largest copyright files, of browsers and office suites, have about 2 MB. */
const MAX_COPYRIGHT_BYTES = 8 << 20
/** Ten times that of a desktop system with everything. */
const MAX_STATUS_BYTES = 128 << 20
/** Files open at a time, of the 1024 that a process may have. */
const AT_ONCE = 64
const MAX_OS_RELEASE_BYTES = 64 << 10

/**
 * All that a finished tree tells of its packages: what dpkg knows of them, and the licences of their copyright files. Empty
 * for a tree without dpkg. Where a package file came from is not in the tree.
 *
 * @param tree the root of the file system, at rest: files that its links lead outside to are not read
 */
export async function packageFacts(tree: string): Promise<readonly RecordedPackage[]> {
  const status = (await readTreeFile(tree, 'var/lib/dpkg/status', MAX_STATUS_BYTES)) ?? ''
  const packages = parseStatus(status)
  const known: RecordedPackage[] = []
  for (let at = 0; at < packages.length; at += AT_ONCE) {
    known.push(...(await Promise.all(packages.slice(at, at + AT_ONCE).map((one) => withLicenses(tree, one)))))
  }
  return known
}

async function withLicenses(tree: string, { conffiles, ...one }: InstalledPackage): Promise<RecordedPackage> {
  // Another name would be another path.
  const path = /^[a-z0-9][a-z0-9+.-]*$/i.test(one.name) ? `usr/share/doc/${one.name}/copyright` : undefined
  const text = path === undefined ? undefined : await readTreeFile(tree, path, MAX_COPYRIGHT_BYTES)
  const { licenses, mentioned } = parseCopyright(text ?? '')
  return { ...one, licenses, ...(mentioned.length === 0 ? {} : { mentionedLicenses: mentioned }) }
}

/**
 * The system inside a tree, of os-release(5).
 *
 * @returns undefined when the tree does not say, or says what is no such word
 */
export async function treeDistribution(tree: string): Promise<RecordedDistribution | undefined> {
  const text =
    (await readTreeFile(tree, 'etc/os-release', MAX_OS_RELEASE_BYTES)) ??
    (await readTreeFile(tree, 'usr/lib/os-release', MAX_OS_RELEASE_BYTES)) ??
    ''
  const word = (name: string) => new RegExp(`^${name}=(["']?)([A-Za-z0-9._-]+)\\1\\s*$`, 'm').exec(text)?.[2]
  const id = word('ID')
  const version = word('VERSION_ID')
  const codename = word('VERSION_CODENAME')
  if (id === undefined) return undefined
  return {
    id,
    ...(version === undefined ? {} : { version }),
    ...(codename === undefined ? {} : { codename }),
  }
}
