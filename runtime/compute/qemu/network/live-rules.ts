import { CofferError } from '../../../../lib/errors.ts'
import { forwardText } from '../machine.ts'
import type { QmpSession } from '../qmp/client.ts'
import { humanMonitor } from '../qmp/commands.ts'
import type { Forward } from './forwards.ts'

/** What to ask of QEMU so that its forwards become the wanted ones. */
export interface ForwardChanges {
  readonly remove: readonly Forward[]
  readonly add: readonly Forward[]
}

/** Compares forwards as wanted with those there are. Pure. */
export function forwardChanges(wanted: readonly Forward[], present: readonly Forward[]): ForwardChanges {
  const without = (list: readonly Forward[], other: readonly Forward[]) => {
    const names = new Set(other.map(forwardText))
    return list.filter((forward) => !names.has(forwardText(forward)))
  }
  return { remove: without(present, wanted), add: without(wanted, present) }
}

/** Reads the monitor's `info usernet`: lines `TCP[HOST_FORWARD] fd address port guest port …`. */
export function parseForwards(text: string): Forward[] {
  return [...text.matchAll(/^\s*(TCP|UDP)\[HOST_FORWARD\]\s+\d+\s+([\d.]+)\s+(\d+)\s/gm)].map(
    ([, protocol, address = '', port]) => ({
      protocol: protocol === 'UDP' ? 'udp' : 'tcp',
      address,
      port: Number(port),
    }),
  )
}

/**
 * Makes a running server's forwards the wanted ones. Connections that are open stay open.
 *
 * @throws CofferError `PORT_FORWARD_FAILED`
 */
export async function applyForwards(session: QmpSession, wanted: readonly Forward[]): Promise<void> {
  const present = parseForwards(await humanMonitor(session, 'info usernet'))
  const { remove, add } = forwardChanges(wanted, present)
  for (const { protocol, address, port } of remove) {
    await humanMonitor(session, `hostfwd_remove net0 ${protocol}:${address}:${port}`)
  }
  for (const forward of add) {
    const complaint = (await humanMonitor(session, `hostfwd_add net0 ${forwardText(forward)}`)).trim()
    if (complaint !== '') throw forwardFailed(complaint)
  }
}

/** The error for a port that could not be opened on this machine. */
export function forwardFailed(complaint: string): CofferError {
  return new CofferError(
    'PORT_FORWARD_FAILED',
    `A port of the guest could not be opened here: ${complaint}`,
    {
      hint: 'Something on this machine probably listens on that port of all addresses: bind it to 127.0.0.1 alone.',
    },
  )
}
