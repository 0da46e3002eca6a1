import type { Clock } from '../../../lib/clock.ts'
import type { EventLog } from '../../transport/log.ts'
import type { ServiceControl } from '../service/service-control.ts'
import type { VolumeControl } from '../volume/volume-control.ts'

/** What a manager finds around it: the guest, or a stage set by a test with a real engine on it. */
export interface ManagerHost {
  readonly guestId: string
  /** The engine's systemd unit. */
  readonly unit: string
  readonly service: ServiceControl
  readonly volume: VolumeControl
  readonly clock: Clock
  readonly log: EventLog
}
