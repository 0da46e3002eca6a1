import { chown, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeAtomically } from '../../lib/write-atomically.ts'

/** A file that the engine reads. */
export interface EngineFile {
  readonly path: string
  readonly content: string
  /** 0640 unless said otherwise: the engine's group may read. */
  readonly mode?: number
}

/**
 * Writes files for the engine, owned by whoever owns `like` (a directory of the engine). Their directory appears when it
 * is missing.
 */
export async function writeEngineFiles(files: readonly EngineFile[], like: string): Promise<void> {
  const { uid, gid } = await stat(like)
  for (const { path, content, mode } of files) {
    const directory = dirname(path)
    if ((await mkdir(directory, { recursive: true, mode: 0o750 })) !== undefined)
      await chown(directory, uid, gid)
    await writeAtomically(path, content, mode ?? 0o640)
    await chown(path, uid, gid)
  }
}

/** Deletes the files of a directory whose names match; a missing directory has none. */
export async function removeFiles(directory: string, pattern: RegExp): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  await Promise.all(names.filter((name) => pattern.test(name)).map((name) => rm(join(directory, name))))
}
