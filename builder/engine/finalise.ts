import { lstat, mkdir } from 'node:fs/promises'
import { run } from '../../lib/exec.ts'
import { exists } from '../../lib/path-kind.ts'

/**
 * What DIB does to every tree after cleanup.d (DIB contract §1.1 step 29): /tmp is emptied, log files are truncated, and
 * `*.log` files of root are deleted. Nothing may be mounted below /tmp any more. No link is followed, not even one in place
 * of these directories: it may lead out of the tree, to logs of this machine.
 */
export async function finaliseTree(root: string): Promise<void> {
  if (!(await exists(`${root}/tmp`))) await mkdir(`${root}/tmp`)
  const find = async (directory: string, ...what: string[]) => {
    if (await isRealDirectory(root, directory))
      await run(['find', '-P', `${root}/${directory}`, '-xdev', ...what])
  }
  await find('tmp', '-mindepth', '1', '-delete')
  await find('var/log', '-type', 'f', '-exec', 'truncate', '-s', '0', '--', '{}', '+')
  await find('root', '-type', 'f', '-name', '*.log', '-delete')
}

/** True when every part of the path is a directory itself rather than a link to one. */
async function isRealDirectory(root: string, path: string): Promise<boolean> {
  let at = root
  for (const part of path.split('/')) {
    at = `${at}/${part}`
    const stat = await lstat(at).catch(() => undefined)
    if (stat?.isDirectory() !== true) return false
  }
  return true
}
