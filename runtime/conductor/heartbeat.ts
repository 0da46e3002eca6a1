import type { Heartbeat } from '../db/types.ts'
import { serviceStatusOfDescription } from '../model/service-status.ts'
import type { JsonObject } from '../rpc/types.ts'

/** A heartbeat as a guest may have sent it: read with care, since a guest may be anyone's by now. */
export interface HeardHeartbeat {
  readonly heartbeat: Heartbeat
  /** Why the status is what it is, when the guest says so. */
  readonly reason: string | undefined
}

const REASON_CHARACTERS = 2000
const VERSION_CHARACTERS = 255
/** A clock further ahead is wrong. Once it is set right, everything that follows would pass for older and be dropped. */
const AHEAD_SECONDS = 60

/**
 * Reads a heartbeat's arguments (contract §4.2). Words and figures that mean nothing are left out.
 *
 * @param sent the sender's clock, seconds; what is missing, or far in the future, counts as now
 * @returns undefined when the payload is no object
 */
export function readHeartbeat(
  instanceId: string,
  args: JsonObject,
  sent: number,
  nowSeconds: number,
): HeardHeartbeat | undefined {
  const { payload } = args
  if (payload === null || typeof payload !== 'object' || Array.isArray(payload)) return undefined
  const { service_status, volume_used, volume_total, agent_version, reason } = payload as JsonObject
  const status = typeof service_status === 'string' ? serviceStatusOfDescription(service_status) : undefined
  const used = bytes(volume_used)
  const total = bytes(volume_total)
  return {
    heartbeat: {
      instanceId,
      sent: Number.isFinite(sent) && sent <= nowSeconds + AHEAD_SECONDS ? sent : nowSeconds,
      ...(status === undefined ? {} : { serviceCode: status.code }),
      ...(used === undefined ? {} : { volumeUsedBytes: used }),
      ...(total === undefined ? {} : { volumeTotalBytes: total }),
      ...(typeof agent_version === 'string'
        ? { agentVersion: agent_version.slice(0, VERSION_CHARACTERS) }
        : {}),
    },
    reason: typeof reason === 'string' && reason !== '' ? reason.slice(0, REASON_CHARACTERS) : undefined,
  }
}

/** Guests measure in GB of 2^30 bytes (contract §4.3), the database keeps bytes. */
const BYTES_IN_GB = 1024 ** 3

function bytes(gigabytes: unknown): number | undefined {
  if (typeof gigabytes !== 'number' || !(gigabytes >= 0)) return undefined
  const value = Math.round(gigabytes * BYTES_IN_GB)
  return Number.isSafeInteger(value) ? value : undefined
}
