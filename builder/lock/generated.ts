import { chmod, chown, copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError } from '../../lib/errors.ts'
import { digestFile } from '../../lib/hash.ts'
import type { Lock, LockedContent } from './lock.ts'

/** Content that a build made, for the lock it writes. */
export interface GeneratedContent extends LockedContent {
  /** Where it is in the image. */
  readonly path: string
  /** The archive of it. */
  readonly file: string
}

const SUFFIX = '.tar.zst'

/** Name of the archive of a content. */
export function contentName(sha256: string): string {
  return `${sha256}${SUFFIX}`
}

/** Where a lock keeps contents: no archive and no cache has what a build has made by itself, so it travels with the lock. */
function contentDirectory(lockFile: string): string {
  return `${lockFile}.d`
}

/**
 * The archive of a content that a lock names, after a look at every byte of it.
 *
 * @throws CofferError `LOCK_CONTENT_MISSING`, `LOCK_CONTENT_DAMAGED`
 */
export async function lockedContent(lockFile: string, path: string, content: LockedContent): Promise<string> {
  const directory = contentDirectory(lockFile)
  const file = join(directory, contentName(content.sha256))
  const found = await stat(file).catch(() => undefined)
  if (found?.isFile() !== true) {
    throw new CofferError(
      'LOCK_CONTENT_MISSING',
      `The lock names the content of ${path}, and ${file} is not there`,
      { hint: `Copy the directory ${directory} along with the lock, or make the lock anew with --lock.` },
    )
  }
  if (found.size !== content.size || (await digestFile(file)) !== content.sha256) {
    throw new CofferError('LOCK_CONTENT_DAMAGED', `${file} is not what the lock names for ${path}`, {
      hint: 'Copy it again from where the lock was made, or make the lock anew with --lock.',
    })
  }
  return file
}

/** Puts contents where the lock that names them will be. What is there already stays: the lock may be the old one yet. */
export async function keepContents(
  lockFile: string,
  contents: readonly GeneratedContent[],
  owner: { readonly uid: number; readonly gid: number } | undefined,
): Promise<void> {
  if (contents.length === 0) return
  const directory = contentDirectory(lockFile)
  // As readable as the lock, whatever the caller's umask.
  if ((await mkdir(directory, { recursive: true })) !== undefined) await chmod(directory, 0o755)
  if (owner !== undefined) await chown(directory, owner.uid, owner.gid)
  for (const { file, sha256 } of contents) {
    const target = join(directory, contentName(sha256))
    await copyFile(file, `${target}.new`)
    await chmod(`${target}.new`, 0o644)
    if (owner !== undefined) await chown(`${target}.new`, owner.uid, owner.gid)
    await rename(`${target}.new`, target)
  }
}

/** Removes contents that earlier locks of the same file named, once the new lock is there. */
export async function dropOtherContents(lockFile: string, { generated }: Lock): Promise<void> {
  const directory = contentDirectory(lockFile)
  const named = new Set(Object.values(generated).map(({ sha256 }) => contentName(sha256)))
  for (const name of await readdir(directory).catch(() => [])) {
    if (/^[0-9a-f]{64}\.tar\.zst(\.new)?$/.test(name) && !named.has(name)) await rm(join(directory, name))
  }
}
