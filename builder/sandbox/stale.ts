import { readdir, readFile } from 'node:fs/promises'
import type { Log } from '../../lib/log.ts'
import { processIdentity } from '../../lib/process-identity.ts'
import { removeTree } from '../../lib/tree.ts'

/** File in a build directory that names the process it belongs to: `PID START-TIME`. */
export const OWNER_FILE = 'owner'

/**
 * Deletes build directories whose process has died without cleaning up: a machine that lost power, or a reaper that was
 * killed too. Directories without an owner file are somebody else's and stay.
 */
export async function sweepStale(tmpDir: string, log: Log): Promise<void> {
  for (const name of await readdir(tmpDir).catch(() => [])) {
    if (!/^dib_(build|image)\.[A-Za-z0-9]{6,}$/.test(name)) continue
    const owner = await readFile(`${tmpDir}/${name}/${OWNER_FILE}`, 'utf8').catch(() => undefined)
    if (owner === undefined) continue
    if ((await processIdentity(owner.split(' ')[0] ?? '')) === owner.trim()) continue
    log.info(`Removing ${tmpDir}/${name}, left by a build that was killed`)
    await removeTree(`${tmpDir}/${name}`)
  }
}
