import { exists } from '../../lib/path-kind.ts'
import type { VolumeArgs } from '../rpc/guest-methods.ts'
import { type EventLog, reasonOf } from '../transport/log.ts'
import type { AgentState } from './state.ts'
import type { DatastoreManager } from './types.ts'

/** What the work ahead is done with. */
export interface AheadParts {
  readonly manager: DatastoreManager
  readonly state: AgentState
  /** What the configuration drive says of the volume. */
  readonly volume: VolumeArgs
  readonly log: EventLog
}

/**
 * Begins a new guest's preparation before the control plane asks for it: the volume is copied while the agent loads its
 * transport and dials. Never throws: `prepare` repeats what failed here, and tells why it fails.
 */
export async function workAhead({ manager, state, volume, log }: AheadParts): Promise<void> {
  const { stage } = state.installation()
  if (manager.makeReady === undefined || (stage !== 'new' && stage !== 'preparing')) return
  try {
    // One that is attached later is prepare's to wait for.
    if (volume.device_path !== undefined && !(await exists(volume.device_path))) return
    await manager.makeReady(volume, (step) => log.info({ step }, 'Preparing the guest'))
  } catch (error) {
    log.warn({ reason: reasonOf(error) }, 'The guest could not be prepared ahead of its time')
  }
}
