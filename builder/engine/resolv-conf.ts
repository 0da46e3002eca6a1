import { chmod, lstat, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { run } from '../../lib/exec.ts'
import { exists } from '../../lib/path-kind.ts'

/**
 * Gives the tree the host's name servers for the build (DIB contract §1.6). The image's own file, or link, waits as
 * `etc/resolv.conf.ORIG`, which elements may edit.
 */
export async function lendResolvConf(root: string): Promise<void> {
  const path = `${root}/etc/resolv.conf`
  await run(['mkdir', '-p', '--', `${root}/etc`])
  if (await exists(path)) await rename(path, `${path}.ORIG`)
  await writeFile(path, await hostResolvConf())
  await chmod(path, 0o777)
}

/**
 * Replaces the name servers that were lent to the tree. What an element has changed is its own.
 *
 * @param from the text that is there if nobody has changed it
 */
export async function exchangeResolvConf(root: string, from: string, to: string): Promise<void> {
  const path = `${root}/etc/resolv.conf`
  if (from === to || (await lstat(path).catch(() => undefined))?.isFile() !== true) return
  if ((await readFile(path, 'utf8')) === from) await writeFile(path, to)
}

/** The host's name servers, in the form of resolv.conf(5). */
export function hostResolvConf(): Promise<string> {
  return readFile('/etc/resolv.conf', 'utf8').catch(() => 'nameserver 8.8.8.8\n')
}

/**
 * Takes the host's name servers out again. An element that made the file a link or immutable wanted it kept.
 */
export async function restoreResolvConf(root: string): Promise<void> {
  const path = `${root}/etc/resolv.conf`
  const original = `${path}.ORIG`
  const stat = await lstat(path).catch(() => undefined)
  const keep = stat?.isSymbolicLink() === true || (stat !== undefined && (await isImmutable(path)))
  if (keep) {
    await rm(original, { force: true })
    return
  }
  await rm(path, { force: true })
  if (await exists(original)) await rename(original, path)
}

async function isImmutable(path: string): Promise<boolean> {
  const result = await run(['lsattr', '-d', '--', path], { check: false })
  return result.exitCode === 0 && (result.stdout.split(' ')[0] ?? '').includes('i')
}
