import { CofferError } from '../../lib/errors.ts'
import type { IdRange } from '../../lib/user-namespace.ts'
import { idRangesOf, nextFreeId } from './subordinate-ids.ts'

/** What decides whether a build can be root inside its sandbox, as `machine-facts.ts` reads it. */
export interface MachineFacts {
  readonly uid: number
  /** False inside a user namespace, as in a container of rootless podman: its root is not the machine's. */
  readonly ownsMachine: boolean
  /** Login name; the user id as text for a user that has none. */
  readonly user: string
  /** Texts of /etc/subuid and /etc/subgid; empty for a missing file. */
  readonly subuid: string
  readonly subgid: string
  /** Whether both newuidmap and newgidmap are installed. */
  readonly idMapTools: boolean
  /** Values of the kernel's settings; undefined where it has no such setting. */
  readonly maxUserNamespaces: number | undefined
  readonly unprivilegedUsernsClone: number | undefined
  readonly apparmorRestrictsUserns: number | undefined
  /** True when programs that this process starts cannot gain privileges (`no_new_privs`). */
  readonly noNewPrivileges: boolean
}

/**
 * How a build is root inside its sandbox: as root of the machine, as root of a container that is a user namespace already,
 * or as an ordinary user in a user namespace of the build's own, with these ids.
 */
export type Privilege = { readonly kind: 'root' } | { readonly kind: 'container root' } | Rootless
export interface Rootless {
  readonly kind: 'rootless'
  readonly uids: IdRange
  readonly gids: IdRange
}

/** Ids of an image beside root's: 1 to 65535, nobody (65534) among them. */
export const IMAGE_IDS = 65535

const OR_ROOT = 'or build as root: the same command with sudo -E.'

/**
 * Decides how a build becomes root: an ordinary user becomes root of a user namespace, in which ids 1 to 65535 are the
 * user's subordinate ids (subuid(5)).
 *
 * @throws CofferError `USER_NAMESPACES_FORBIDDEN`, `SUBORDINATE_IDS_MISSING`, `TOOL_MISSING`
 */
export function decidePrivilege(facts: MachineFacts): Privilege {
  if (facts.uid === 0) return { kind: facts.ownsMachine ? 'root' : 'container root' }
  if (facts.maxUserNamespaces === 0) {
    throw forbidden('user.max_user_namespaces is 0', 'sysctl -w user.max_user_namespaces=16384')
  }
  if (facts.unprivilegedUsernsClone === 0) {
    throw forbidden('kernel.unprivileged_userns_clone is 0', 'sysctl -w kernel.unprivileged_userns_clone=1')
  }
  if (!facts.idMapTools) {
    throw new CofferError('TOOL_MISSING', 'Building without root needs newuidmap and newgidmap', {
      hint: `On Debian, as root: apt-get install uidmap; ${OR_ROOT}`,
    })
  }
  if (facts.noNewPrivileges) {
    throw new CofferError(
      'USER_NAMESPACES_FORBIDDEN',
      'newuidmap cannot map ids here: no program that this process starts may gain privileges (no_new_privs)',
      {
        hint: `Leave out what sets it: NoNewPrivileges=yes of a systemd unit, no-new-privileges of docker, allowPrivilegeEscalation: false of Kubernetes; ${OR_ROOT}`,
      },
    )
  }
  return {
    kind: 'rootless',
    uids: imageRange(facts, 'user'),
    gids: imageRange(facts, 'group'),
  }
}

/** The first range of the caller's that an image's ids fit into. */
function imageRange(facts: MachineFacts, kind: 'user' | 'group'): IdRange {
  const range = fitting(facts, kind)
  if (range !== undefined) return { start: range.start, count: IMAGE_IDS }
  const file = FILES[kind]
  const most = Math.max(0, ...idRangesOf(facts[file], facts).map(({ count }) => count))
  const first = nextFreeId([facts.subuid, facts.subgid])
  const missing = (['user', 'group'] as const)
    .filter((one) => fitting(facts, one) === undefined)
    .map((one) => `--add-${FILES[one]}s ${first}-${first + IMAGE_IDS}`)
  throw new CofferError(
    'SUBORDINATE_IDS_MISSING',
    most === 0
      ? `Building without root needs subordinate ids, and ${facts.user} has no ${kind} ids in /etc/${file}`
      : `Building without root needs ${IMAGE_IDS} subordinate ${kind} ids in a row, and ${facts.user} has ${most} in /etc/${file}`,
    { hint: `As root: usermod ${missing.join(' ')} ${facts.user}; ${OR_ROOT}` },
  )
}

const FILES = { user: 'subuid', group: 'subgid' } as const

function fitting(facts: MachineFacts, kind: 'user' | 'group'): IdRange | undefined {
  return idRangesOf(facts[FILES[kind]], facts).find(({ count }) => count >= IMAGE_IDS)
}

/**
 * The error for a machine that refused the namespaces of a build when they were tried.
 *
 * @param said what the tools said
 * @returns a CofferError `USER_NAMESPACES_FORBIDDEN` that names the setting where one is known to be the reason,
 *   `SANDBOX_REFUSED` otherwise
 */
export function explainRefusal(privilege: Privilege, facts: MachineFacts, said: string): CofferError {
  if (privilege.kind === 'rootless') {
    if ((facts.apparmorRestrictsUserns ?? 0) !== 0) {
      return forbidden(
        'kernel.apparmor_restrict_unprivileged_userns is 1',
        'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
      )
    }
    if (said.includes('No space left on device')) {
      return forbidden(
        `user.max_user_namespaces is ${facts.maxUserNamespaces ?? 'too low'}, and as many are in use`,
        'sysctl -w user.max_user_namespaces=16384',
      )
    }
  }
  const idMap = /new[ug]idmap/.test(said)
  return new CofferError(
    'SANDBOX_REFUSED',
    `This machine does not allow the namespaces a build runs in: ${said}`,
    {
      hint: privilege.kind === 'rootless' ? (idMap ? ID_MAP : CONTAINER_WITHOUT_ROOT) : CONTAINER_WITH_ROOT,
    },
  )
}

const CONTAINER_WITH_ROOT =
  'In a container, allow CAP_SYS_ADMIN and mount(2) (docker run --privileged); in a chroot, make its root a mount point.'
const CONTAINER_WITHOUT_ROOT = `In a container, allow user namespaces and mounts in them (docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined); ${OR_ROOT}`

const ID_MAP = `newuidmap and newgidmap must be setuid root (apt-get install --reinstall uidmap); in a container, the ids in /etc/subuid must be ids that the container has; ${OR_ROOT}`

function forbidden(setting: string, command: string): CofferError {
  return new CofferError(
    'USER_NAMESPACES_FORBIDDEN',
    `This machine does not allow user namespaces, which a build without root needs: ${setting}`,
    {
      hint: `As root: ${command} (and the same in a file of /etc/sysctl.d, for the next start); ${OR_ROOT}`,
    },
  )
}

/**
 * Ending for the names of directories whose files have owners of the image: what lies there as an owner means somebody else
 * to a build with other ids.
 */
export function idsMark(privilege: Privilege): string {
  if (privilege.kind === 'root') return ''
  if (privilege.kind === 'container root') return '-container'
  return `-${privilege.uids.start}-${privilege.gids.start}`
}

/** One line for the log. */
export function describeRootless({ uids, gids }: Rootless): string {
  const range = ({ start, count }: IdRange) => `${start}-${start + count - 1}`
  return `Building without root: ids 1-${IMAGE_IDS} of the image are user ids ${range(uids)} and group ids ${range(gids)} here`
}
