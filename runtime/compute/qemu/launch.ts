import { type Argv, run } from '../../../lib/exec.ts'
import type { ServerPaths } from './layout.ts'

/** The descriptors that QEMU finds its disks on. It needs no right to any of these files, only what it is handed here. */
export const DESCRIPTORS = { overlay: 3, image: 4, configDrive: 5, firstVolume: 6 } as const

/** Each takes a place on the machine's PCI bus, which has 32. */
export const MOST_VOLUMES = 16

// Arguments: identity file, log, overlay, image, config drive, volumes…, "--", command. The identity is written by the
// process that then becomes QEMU, so there is no moment at which QEMU runs and nobody knows. The outer shell ends at once:
// QEMU is nobody's child, in a session without a terminal, and holds nothing of ours but these files: also descriptors
// that whoever started us has left open are closed. Bash, since dash cannot name descriptors above 9.
const SCRIPT = `set -eu
umask 077
ulimit -c 0
for fd in /proc/self/fd/*; do
  fd=\${fd##*/}
  [ "$fd" -le 2 ] || eval "exec $fd>&-"
done
identity=$1 log=$2
exec 3<>"$3" 4<"$4" 5<"$5"
shift 5
n=6
while [ "$1" != -- ]; do
  eval "exec $n<>\\"\\$1\\""
  n=$((n + 1))
  shift
done
shift
remember() {
  read -r line </proc/self/stat
  read -r boot </proc/sys/kernel/random/boot_id
  set -- \${line#*) }
  echo "\${line%% *} \${20} $boot" >"$identity"
}
(
  remember
  exec </dev/null >>"$log" 2>&1
  exec "$@"
) &
`

/** Files to open for QEMU. */
export interface LaunchFiles {
  readonly image: string
  readonly volumes: readonly string[]
}

/** The user that QEMU becomes: ids, and further groups, such as the one that may use /dev/kvm. */
export interface RunAs {
  readonly uid: number
  readonly groups: readonly number[]
}

/**
 * The prefix that gives up privileges for good before QEMU runs a single instruction. Pure.
 *
 * @param user undefined: stays the caller's; even then no setuid program can raise it again
 */
export function confine(user: RunAs | undefined): readonly string[] {
  if (user === undefined) return ['setpriv', '--no-new-privs', '--']
  const groups = user.groups.length === 0 ? ['--clear-groups'] : [`--groups=${user.groups.join(',')}`]
  return [
    ...['setpriv', `--reuid=${user.uid}`, `--regid=${user.uid}`, ...groups],
    ...['--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all', '--no-new-privs', '--'],
  ]
}

/**
 * Starts a command detached, with the server's disks open on {@link DESCRIPTORS} and the work directory as its current
 * one. Returns when it has been started, not when it is ready.
 *
 * @throws CofferError `COMMAND_FAILED` when a disk cannot be opened
 */
export async function launch(paths: ServerPaths, files: LaunchFiles, command: Argv): Promise<void> {
  const disks = [paths.overlay, files.image, paths.configDrive, ...files.volumes]
  await run(
    ['bash', '-c', SCRIPT, 'coffer-launch', paths.process, paths.qemuLog, ...disks, '--', ...command],
    {
      cwd: paths.work,
      // The whole environment: nothing of ours reaches a process that runs a guest.
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
      timeoutMs: 20_000,
    },
  )
}
