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
 * Brings lent name servers up to date: a layer from the cache holds those of another day. What is not as
 * {@link lendResolvConf} left it, an element has made its own.
 */
export async function refreshResolvConf(root: string): Promise<void> {
  const path = `${root}/etc/resolv.conf`
  const stat = await lstat(path).catch(() => undefined)
  if (stat?.isFile() !== true || (stat.mode & 0o777) !== 0o777) return
  const host = await hostResolvConf()
  if ((await readFile(path, 'utf8')) !== host) await writeFile(path, host)
}

function hostResolvConf(): Promise<string> {
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
