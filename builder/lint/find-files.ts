import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError, isErrno } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'

/** The regular files below a directory, sorted. Links are not followed. A missing directory holds none. */
export async function filesBelow(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}

/**
 * The element directories of a tree, sorted.
 *
 * @throws CofferError `LINT_NO_ELEMENTS` when the tree is missing.
 */
export async function elementDirectories(tree: string): Promise<string[]> {
  try {
    const entries = await readdir(tree, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(tree, entry.name))
      .sort()
  } catch (error) {
    if (!isErrno(error, 'ENOENT') && !isErrno(error, 'ENOTDIR')) throw error
    throw new CofferError('LINT_NO_ELEMENTS', `${tree} is not a directory of elements`, {
      hint: 'Name the directory: dib-lint DIRECTORY, or ELEMENTS_DIR=DIRECTORY dib-lint.',
    })
  }
}

/** Those of the paths that git ignores; none outside a repository or without git. */
export async function ignoredByGit(paths: readonly string[]): Promise<Set<string>> {
  if (paths.length === 0) return new Set()
  try {
    const result = await run(['git', 'check-ignore', '-z', '--stdin'], {
      input: paths.join('\0'),
      check: false,
    })
    return new Set(result.stdout.split('\0').filter((path) => path !== ''))
  } catch (error) {
    if (error instanceof CofferError && error.code === 'COMMAND_NOT_FOUND') return new Set()
    throw error
  }
}
