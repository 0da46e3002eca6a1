import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { run } from '../../lib/exec.ts'
import { bootId } from '../../lib/process-id.ts'
import { writeAtomically } from '../../lib/write-atomically.ts'

/** File that says until when everything in the cache has reached the disk. */
const SYNCED = 'synced'

/** Waits until all that the cache holds has reached the disk, so that it is trusted after a power cut. */
export async function syncCache(directory: string): Promise<void> {
  const until = systemClock.now().toISOString()
  await run(['sync', '--file-system', '--', directory])
  await writeAtomically(join(directory, SYNCED), `${until}\n`, 0o600)
}

/** Whether something in the cache is sure to be whole: it is of this boot, or was on the disk before the machine stopped. */
export async function isTrusted(
  directory: string,
  entry: { readonly bootId: string; readonly created: string },
): Promise<boolean> {
  if (entry.bootId === bootId()) return true
  const until = await readFile(join(directory, SYNCED), 'utf8').catch(() => '')
  return entry.created < until.trim()
}
