import { stat } from 'node:fs/promises'
import type { Clock } from '../../../lib/clock.ts'
import { CofferError } from '../../../lib/errors.ts'
import type { ServerState } from '../types.ts'
import { tailOf } from './console.ts'
import type { ServerPaths } from './layout.ts'
import { isAlive, isFromEarlierBoot, readIdentity } from './process.ts'
import { queryStatus, type RunState } from './qmp/commands.ts'
import type { ServerRecord } from './record.ts'
import { withSession } from './session.ts'

/** QEMU opens its control socket within a second of its start; a busy machine gets this long. Milliseconds. */
export const READY_MS = 30_000

type Seen = Pick<ServerState, 'status' | 'reason'>

const byRunState: Readonly<Record<string, Seen>> = {
  running: { status: 'ACTIVE' },
  // A reset passes through these.
  prelaunch: { status: 'REBOOT' },
  'restore-vm': { status: 'REBOOT' },
  shutdown: { status: 'SHUTDOWN', reason: 'The guest has powered itself off.' },
  'guest-panicked': { status: 'ERROR', reason: 'The guest’s kernel has panicked.' },
  'io-error': {
    status: 'ERROR',
    reason: 'A disk of the guest could not be written: the host’s disk may be full.',
  },
  'internal-error': { status: 'ERROR', reason: 'The virtual machine failed inside.' },
}

/** What QEMU's run state means to the callers of a driver. */
export function statusOf(state: RunState): Seen {
  return byRunState[state] ?? { status: 'ERROR', reason: `The virtual machine is stopped (${state}).` }
}

/** Looks at a server: its process, and what QEMU says. Nothing is remembered, so it holds after any restart of ours. */
export async function observe(paths: ServerPaths, record: ServerRecord, clock: Clock): Promise<ServerState> {
  const { id, instanceId, name, address } = record
  return { id, instanceId, name, addresses: [address], ...(await look(paths, id, clock)) }
}

async function look(paths: ServerPaths, id: string, clock: Clock): Promise<Seen> {
  const identity = await readIdentity(paths.process)
  if (identity === undefined) return { status: 'SHUTDOWN', reason: 'It has not been started yet.' }
  if (!(await isAlive(identity))) {
    if (await isFromEarlierBoot(identity)) {
      return { status: 'SHUTDOWN', reason: 'The machine it ran on was restarted.' }
    }
    const complaint = (await tailOf(paths.qemuLog, 1000)).trim().split('\n').at(-1) ?? ''
    return { status: 'SHUTDOWN', reason: `QEMU has ended${complaint === '' ? '' : `: ${complaint}`}.` }
  }
  try {
    return statusOf(await withSession(paths, id, queryStatus))
  } catch (error) {
    // It may have ended just now.
    if (!(await isAlive(identity))) return { status: 'SHUTDOWN', reason: 'QEMU has ended.' }
    if (unreachable(error) && (await startedLately(paths, clock))) return { status: 'BUILD' }
    if (error instanceof CofferError) return { status: 'ERROR', reason: `${error.message}.` }
    throw error
  }
}

function unreachable(error: unknown): boolean {
  return error instanceof CofferError && error.code === 'QMP_UNREACHABLE'
}

/** Whether QEMU was started so short a time ago that it need not answer yet. File times are the wall clock's. */
async function startedLately(paths: ServerPaths, clock: Clock): Promise<boolean> {
  const { mtimeMs } = await stat(paths.process)
  return clock.now().getTime() - mtimeMs < READY_MS
}
