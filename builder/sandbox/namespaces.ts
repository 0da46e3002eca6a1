import type { Argv } from '../../lib/exec.ts'

/**
 * Words in front of a command that give it private mounts and processes that die with this process, whatever ends it.
 *
 * @param enter words that enter a user namespace first
 */
export function namespaces(enter: readonly string[]): Argv {
  return [
    ...(['setpriv', '--pdeathsig', 'KILL', '--'] as const),
    ...enter,
    ...['unshare', '--mount', '--propagation', 'private'],
    ...['--pid', '--fork', '--kill-child=KILL', '--mount-proc', '--'],
  ]
}
