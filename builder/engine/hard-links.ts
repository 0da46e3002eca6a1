import { lstatSync, readdirSync } from 'node:fs'
import { chmod, lstat } from 'node:fs/promises'
import { run } from '../../lib/exec.ts'

/**
 * Brings all names of a changed file into the layer that changed it.
 *
 * overlayfs copies a file with several names up under the one that was written to. While it is mounted, its index leads the
 * other names to the copy; a layer that is put away has no index, and they would fall back to what lies below.
 *
 * @param upper what the step wrote, of a mount with `index=on`
 * @param merged where the tree is mounted
 */
export async function completeHardLinks(upper: string, merged: string): Promise<void> {
  const changed = Map.groupBy(linkedFilesOf(upper), ({ inode }) => inode)
  // The index holds a link of its own, to nothing but files that came from below.
  const indexed = [...changed.values()].filter((names) => (names[0]?.links ?? 0) > names.length)
  if (indexed.length === 0) return
  const known = new Set(indexed.flat().map(({ path }) => path))
  const everywhere = Map.groupBy(await linkedFiles(merged), ({ inode }) => inode)
  for (const [first] of indexed) {
    if (first === undefined) continue
    const { ino, mode } = await lstat(within(merged, first.path))
    const others = (everywhere.get(String(ino)) ?? []).filter(({ path }) => !known.has(path))
    // Whatever changes a name copies it up, as another link.
    for (const { path } of others) await chmod(within(merged, path), mode & 0o7777)
  }
}

interface LinkedFile {
  readonly inode: string
  readonly links: number
  /** Relative, its bytes as Latin 1: names need not be UTF-8. */
  readonly path: string
}

/** Files with more than one link below a directory that holds few and no mounts: no program needs to be started. */
function linkedFilesOf(directory: string, below = ''): LinkedFile[] {
  const entries = readdirSync(within(directory, below), { withFileTypes: true, encoding: 'latin1' })
  return entries.flatMap((entry) => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) return linkedFilesOf(directory, path)
    if (!entry.isFile()) return []
    const { ino, nlink } = lstatSync(within(directory, path))
    return nlink > 1 ? [{ inode: String(ino), links: nlink, path }] : []
  })
}

/** Files with more than one link on the file system of a directory. */
async function linkedFiles(directory: string): Promise<LinkedFile[]> {
  const format = '%i %n %P\\0'
  const { stdoutBytes } = await run(
    ['find', directory, '-xdev', '-type', 'f', '-links', '+1', '-printf', format],
    { binary: true },
  )
  return Buffer.from(stdoutBytes)
    .toString('latin1')
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [inode = '', links = ''] = entry.split(' ', 2)
      return { inode, links: Number(links), path: entry.slice(inode.length + links.length + 2) }
    })
}

function within(directory: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, 'latin1')])
}
