import { lstatSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type FileRecord, recordFiles } from '../../registry/images/record.ts'
import type { Build } from './build.ts'
import { recordDirectory } from './record.ts'

/**
 * Writes which steps wrote which files of the finished tree, in the directory beside the image. Without layers nobody knows,
 * and an older record would lie: it goes.
 */
export async function writeFileRecord(
  build: Build,
  writers: ReadonlyMap<string, readonly number[]> | undefined,
): Promise<void> {
  const directory = recordDirectory(build.job.request)
  const target = join(directory, recordFiles.files)
  if (writers === undefined) return await rm(target, { force: true })
  const root = build.job.directories.mount
  const files: [string, readonly number[]][] = []
  for (const [path, steps] of [...writers].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (isFile(`${root}${path}`)) files.push([path, steps])
  }
  const record: FileRecord = { recordVersion: 1, files: Object.fromEntries(files) }
  await mkdir(directory, { recursive: true })
  await writeFile(`${target}-new`, gzipSync(JSON.stringify(record)))
  await rename(`${target}-new`, target)
}

/** Asked tens of thousands of times: handing each question to another thread takes ten times as long. */
function isFile(path: string): boolean {
  try {
    return !lstatSync(path).isDirectory()
  } catch {
    return false
  }
}
