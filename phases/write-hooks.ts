import { chmod, chown, copyFile, lstat, lutimes, mkdir, rm, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { HookFile } from './hooks.ts'

/**
 * Writes a planned hooks directory: modes, links and times as in the elements. Everything belongs to the user who
 * builds, whoever owns the elements, so that files copied on into an image never carry a stranger's id.
 *
 * @param files as `planHooks` gives them: parents first
 * @param directory is made if it does not exist; files in it are replaced
 * @param time seconds since 1970 that all of it is dated, since files that are copied on keep their dates; default: as in
 *   the elements, which is when somebody checked them out
 */
export async function writeHooks(
  files: readonly HookFile[],
  directory: string,
  time?: number,
): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const file of files) await write(file, join(directory, file.destination), time)
  // Only now: adding entries changed the times of the directories, and a directory may be read-only.
  for (const file of files.filter(({ kind }) => kind === 'directory').reverse()) {
    const path = join(directory, file.destination)
    const { atime, mtime } = await timesOf(file, time)
    await chmod(path, file.mode)
    await utimes(path, atime, mtime)
  }
}

async function timesOf(file: HookFile, time: number | undefined) {
  return time === undefined ? await lstat(file.source) : { atime: time, mtime: time }
}

async function write(file: HookFile, path: string, time: number | undefined): Promise<void> {
  if (file.kind === 'directory') {
    await mkdir(path, { recursive: true })
    return
  }
  const { atime, mtime } = await timesOf(file, time)
  await rm(path, { force: true })
  if (file.target === undefined) {
    await copyFile(file.source, path)
    // copyFile gives the copy the owner of the source, and changing the owner takes set-id bits away.
    await chown(path, process.geteuid?.() ?? 0, process.getegid?.() ?? 0)
    await chmod(path, file.mode)
  } else {
    await symlink(file.target, path)
  }
  await lutimes(path, atime, mtime)
}
