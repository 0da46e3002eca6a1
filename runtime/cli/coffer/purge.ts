import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../../lib/clock.ts'
import { isErrno } from '../../../lib/errors.ts'
import { removeTree } from '../../../lib/tree.ts'
import { quietLog } from '../../control/log.ts'
import { takeLock } from '../../control/state-lock.ts'
import type { Settings } from '../../settings/types.ts'

/** What a purge takes away, by name in the state directory: only what the services made themselves. */
const MADE_BY_SERVICES =
  /^(trove\.sqlite(-wal|-shm|-journal)?|secret\.key|identity\.json|openrc|acceleration\.json|instances|volumes|fake-compute|log|run)$/

/**
 * Deletes all servers and volumes of the compute driver, then what the services keep in the state directory. Images,
 * trove.conf and files of others stay. The control plane must not run.
 *
 * @throws CofferError STATE_LOCKED when it does
 */
export async function purge(
  settings: Settings,
): Promise<{ readonly servers: number; readonly volumes: number }> {
  const { stateDir } = settings
  const unlock = await takeLock(join(stateDir, 'run', 'coffer.lock'), 'A control plane')
  try {
    const { openCompute } = await import('../../compute/index.ts')
    const compute = await openCompute(settings, { clock: systemClock, log: quietLog() })
    try {
      const servers = await compute.listServers()
      for (const { id } of servers) await compute.deleteServer(id)
      const volumes = await compute.listVolumes()
      for (const { id } of volumes) await compute.deleteVolume(id)
      await removeState(stateDir)
      return { servers: servers.length, volumes: volumes.length }
    } finally {
      await compute.close()
    }
  } finally {
    unlock()
  }
}

async function removeState(stateDir: string): Promise<void> {
  const names = await readdir(stateDir).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  })
  for (const name of names) if (MADE_BY_SERVICES.test(name)) await removeTree(join(stateDir, name))
}
