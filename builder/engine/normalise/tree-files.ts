import { constants } from 'node:fs'
import { lstat, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { matchInTree } from './tree-match.ts'

/** Deletes the files and links that patterns name; directories stay. */
export async function deleteInTree(tree: string, patterns: readonly string[]): Promise<void> {
  for (const path of await matches(tree, patterns)) {
    const full = join(tree, path)
    if (!(await lstat(full)).isDirectory()) await unlink(full)
  }
}

/**
 * Changes the text of the regular files that patterns name, in place: owner, mode and links stay.
 *
 * @param change from the old text to the new one; the same text leaves the file alone, undefined deletes it
 */
export async function rewriteInTree(
  tree: string,
  patterns: readonly string[],
  change: (text: string, path: string) => string | undefined,
): Promise<void> {
  for (const path of await matches(tree, patterns)) {
    const full = join(tree, path)
    if (!(await lstat(full)).isFile()) continue
    const file = await open(full, constants.O_RDWR | constants.O_NOFOLLOW)
    try {
      // Bytes that are no text stay as they are.
      const before = await file.readFile('latin1')
      const after = change(before, path)
      if (after === undefined) await unlink(full)
      if (after === undefined || after === before) continue
      await file.truncate(0)
      await file.write(Buffer.from(after, 'latin1'), 0, null, 0)
    } finally {
      await file.close()
    }
  }
}

async function matches(tree: string, patterns: readonly string[]): Promise<string[]> {
  return (await Promise.all(patterns.map((pattern) => matchInTree(tree, pattern)))).flat()
}
