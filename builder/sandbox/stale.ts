import { lstat, readdir, readFile, rm } from 'node:fs/promises'
import type { Log } from '../../lib/log.ts'
import { isOrphan, processIdentity } from '../../lib/process-identity.ts'
import { removeTree } from '../../lib/tree.ts'
import { INPUTS_DIRECTORY } from '../lock/recorded.ts'

/** File in a build directory that names the process it belongs to: `PID START-TIME`. */
export const OWNER_FILE = 'owner'

/**
 * Deletes build directories, and records of what builds took, whose process has died without cleaning up: a machine that lost power, or a reaper that was
 * killed too. Directories of other users and those without an owner file are somebody else's and stay.
 *
 * @param enter see {@link removeTree}
 */
export async function sweepStale(tmpDir: string, log: Log, enter: readonly string[]): Promise<void> {
  for (const name of await readdir(tmpDir).catch(() => [])) {
    if (await isOrphan(name, INPUTS_DIRECTORY)) {
      await rm(`${tmpDir}/${name}`, { recursive: true, force: true }).catch(() => undefined)
      continue
    }
    if (!/^dib_(build|image)\.[A-Za-z0-9]{6,}$/.test(name)) continue
    const stat = await lstat(`${tmpDir}/${name}`).catch(() => undefined)
    if (stat?.isDirectory() !== true || stat.uid !== process.getuid?.()) continue
    const owner = await readFile(`${tmpDir}/${name}/${OWNER_FILE}`, 'utf8').catch(() => undefined)
    if (owner === undefined) continue
    if ((await processIdentity(owner.split(' ')[0] ?? '')) === owner.trim()) continue
    log.info(`Removing ${tmpDir}/${name}, left by a build that was killed`)
    await removeTree(`${tmpDir}/${name}`, { enter })
  }
}
