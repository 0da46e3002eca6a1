import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { CofferError } from '../../lib/errors.ts'
import { FULL_CACHE_HINT } from '../cache/build-cache.ts'
import type { BuildJob } from './build.ts'

/** Less free space than this in a build directory counts as none: a failure there is most likely for want of it. */
const NOTHING = 1024 ** 2

interface Space {
  readonly directory: string
  readonly freeBytes: number
  readonly totalBytes: number
  readonly hint: string
}

/**
 * The error a person should see for a failure: when space has run out, one that says where. Scripts and programs report a
 * full disk in many ways, often with nothing but a status.
 *
 * @returns a CofferError `DISK_FULL` with the exit status of the failure, or the error itself
 */
export async function explainFullDisk(error: unknown, job: BuildJob): Promise<unknown> {
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
  const told = /ENOSPC|No space left on device|Wrote only \d+ of \d+ bytes/i.test(
    error instanceof Error ? error.message : '',
  )
  const building = await Promise.all([
    ...[job.directories.build, job.directories.image].map((directory) => spaceOf(directory, buildHint(job))),
    // The layers are in it, also the one that the running script writes.
    ...(job.cache === undefined ? [] : [spaceOf(job.cache.directory, FULL_CACHE_HINT)]),
  ])
  const output = dirname(resolve(job.request.imageName))
  const candidates = told ? [...building, await spaceOf(output, OUTPUT_HINT)] : building
  const [fullest] = candidates
    .filter((space) => space !== undefined)
    .sort((a, b) => a.freeBytes - b.freeBytes)
  if (fullest === undefined || (!told && fullest.freeBytes > NOTHING)) return error
  const size = `${Math.round(fullest.totalBytes / 1024 ** 2)} MiB in all`
  return new CofferError('DISK_FULL', `No space is left in ${fullest.directory} (${size}): ${message}`, {
    exitCode: error instanceof CofferError ? error.exitCode : 1,
    hint: fullest.hint,
    cause: error,
  })
}

const OUTPUT_HINT = 'Free space there, or write the image somewhere else with -o.'

function buildHint(job: BuildJob): string {
  return job.tmpfs
    ? 'The build is in memory: --no-tmpfs puts it on disk, under TMP_DIR.'
    : 'Free space there, or set TMP_DIR to a directory on a larger file system.'
}

async function spaceOf(directory: string, hint: string): Promise<Space | undefined> {
  const found = await statfs(directory).catch(() => undefined)
  if (found === undefined) return undefined
  const { bavail, blocks, bsize } = found
  return { directory, freeBytes: bavail * bsize, totalBytes: blocks * bsize, hint }
}
