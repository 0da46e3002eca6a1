import { execa } from 'execa'
import { entering } from './user-namespace.ts'

/** A guard that deletes paths if this process dies without saying that it is done. */
export interface Reaper {
  /** The guard's input. A process that inherits it keeps the guard waiting until that process has ended too. */
  readonly lifeline: NodeJS.WritableStream
  /** Ends the guard: nothing is deleted any more. */
  readonly dismiss: () => Promise<void>
}

// `read` ends with a line (dismissed) or at end of file: every holder of the other end has died, even by SIGKILL.
const SCRIPT =
  'read -r verdict && exit 0; for path in "$@"; do rm -rf --one-file-system -- "$path" 2>/dev/null || { chattr -R -f -ia "$path" 2>/dev/null; rm -rf --one-file-system -- "$path" 2>/dev/null; }; done; exit 0'

/**
 * Starts a tiny process, in a session of its own, that waits until all holders of its lifeline are gone and then deletes
 * `paths`. It is what keeps a build that was ended by SIGKILL from leaving files behind.
 *
 * @param options.enter words in front of the guard's command, when it needs another user namespace to delete the paths
 */
export function startReaper(
  paths: readonly string[],
  options: { readonly enter?: readonly string[] } = {},
): Reaper {
  const shell = ['/bin/sh', '-c', SCRIPT, 'coffer-reaper', ...paths] as const
  const [program, ...args] = entering(options.enter ?? [], shell)
  const guard = execa(program, args, {
    detached: true,
    cleanup: false,
    reject: false,
    cwd: '/',
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
  })
  const lifeline = guard.stdin
  return {
    lifeline,
    async dismiss() {
      lifeline.end('done\n')
      await guard
    },
  }
}
