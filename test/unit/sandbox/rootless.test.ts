import { describe, expect, test } from 'vitest'
import { decidePrivilege, explainRefusal, type MachineFacts } from '../../../builder/sandbox/rootless.ts'
import { CofferError } from '../../../lib/errors.ts'

/** An ordinary Debian machine with an ordinary user. */
const debian: MachineFacts = {
  uid: 1000,
  ownsMachine: true,
  user: 'ann',
  subuid: 'ann:100000:65536\nbob:165536:65536\n',
  subgid: 'ann:100000:65536\nbob:165536:65536\n',
  idMapTools: true,
  maxUserNamespaces: 96365,
  unprivilegedUsernsClone: undefined,
  apparmorRestrictsUserns: undefined,
  noNewPrivileges: false,
}

function refusalOf(facts: Partial<MachineFacts>): CofferError {
  try {
    decidePrivilege({ ...debian, ...facts })
  } catch (error) {
    if (error instanceof CofferError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('how a build becomes root', () => {
  test.each<[string, Partial<MachineFacts>, unknown]>([
    ['root is root', { uid: 0, user: 'root', subuid: '', idMapTools: false }, { kind: 'root' }],
    [
      'root of a container without root has a user namespace already',
      { uid: 0, user: 'root', ownsMachine: false, subuid: '', maxUserNamespaces: 0 },
      { kind: 'container root' },
    ],
    [
      'an ordinary user takes the subordinate ids',
      {},
      {
        kind: 'rootless',
        uids: { start: 100000, count: 65535 },
        gids: { start: 100000, count: 65535 },
      },
    ],
    [
      'by id as well as by name, and the first range that is large enough',
      { subuid: '# kept by hand\nann:1000:10\n1000:300000:65535\nann:400000:65536\n' },
      {
        kind: 'rootless',
        uids: { start: 300000, count: 65535 },
        gids: { start: 100000, count: 65535 },
      },
    ],
    [
      'settings that allow it are no reason',
      { unprivilegedUsernsClone: 1, apparmorRestrictsUserns: 0, maxUserNamespaces: undefined },
      expect.objectContaining({ kind: 'rootless' }),
    ],
    // A profile of the machine's may allow it all the same: what was tried decides.
    [
      "AppArmor's restriction is not judged by the setting alone",
      { apparmorRestrictsUserns: 1 },
      expect.objectContaining({ kind: 'rootless' }),
    ],
  ])('%s', (_, facts, privilege) => {
    expect(decidePrivilege({ ...debian, ...facts })).toEqual(privilege)
  })
})

describe('what is refused names what to change', () => {
  test.each<[string, Partial<MachineFacts>, string, RegExp, RegExp]>([
    [
      'no user namespaces at all',
      { maxUserNamespaces: 0 },
      'USER_NAMESPACES_FORBIDDEN',
      /user\.max_user_namespaces is 0$/,
      /^As root: sysctl -w user\.max_user_namespaces=16384 /,
    ],
    [
      'user namespaces for root only',
      { unprivilegedUsernsClone: 0 },
      'USER_NAMESPACES_FORBIDDEN',
      /kernel\.unprivileged_userns_clone is 0$/,
      /^As root: sysctl -w kernel\.unprivileged_userns_clone=1 /,
    ],
    [
      'no newuidmap',
      { idMapTools: false },
      'TOOL_MISSING',
      /newuidmap and newgidmap$/,
      /apt-get install uidmap;/,
    ],
    [
      'a service that may gain no privileges',
      { noNewPrivileges: true },
      'USER_NAMESPACES_FORBIDDEN',
      /no_new_privs/,
      /NoNewPrivileges=yes/,
    ],
    [
      'no subordinate ids',
      { subuid: '', subgid: '' },
      'SUBORDINATE_IDS_MISSING',
      /ann has no user ids in \/etc\/subuid$/,
      /^As root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ann;/,
    ],
    [
      'subordinate ids of other users only',
      { subuid: 'bob:100000:65536\neve:200000:1000\nanna:300000:65536' },
      'SUBORDINATE_IDS_MISSING',
      /ann has no user ids/,
      /usermod --add-subuids 427680-493215 ann;/,
    ],
    [
      'no subordinate groups',
      { subgid: 'bob:165536:65536\n' },
      'SUBORDINATE_IDS_MISSING',
      /ann has no group ids in \/etc\/subgid$/,
      /usermod --add-subgids 231072-296607 ann;/,
    ],
    [
      'too few subordinate ids',
      { subuid: 'ann:100000:1000\nann:110000:30000\n' },
      'SUBORDINATE_IDS_MISSING',
      /needs 65535 subordinate user ids in a row, and ann has 30000 in \/etc\/subuid$/,
      /usermod --add-subuids 231072-296607 ann;/,
    ],
  ])('%s', (_, facts, code, message, hint) => {
    const error = refusalOf(facts)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(error.hint).toMatch(hint)
    expect(error.hint).toMatch(/; or build as root: the same command with sudo -E\.$/)
  })
})

describe('what the machine refused when it was tried', () => {
  const rootless = decidePrivilege(debian)
  const unshare = 'unshare: unshare failed: Operation not permitted'

  test.each<[string, Partial<MachineFacts>, string, string, RegExp, RegExp]>([
    [
      'AppArmor',
      { apparmorRestrictsUserns: 1 },
      'mount: permission denied',
      'USER_NAMESPACES_FORBIDDEN',
      /kernel\.apparmor_restrict_unprivileged_userns is 1$/,
      /sysctl -w kernel\.apparmor_restrict_unprivileged_userns=0/,
    ],
    [
      'a limit that is used up',
      { maxUserNamespaces: 3 },
      'unshare: unshare failed: No space left on device',
      'USER_NAMESPACES_FORBIDDEN',
      /user\.max_user_namespaces is 3, and as many are in use$/,
      /sysctl -w user\.max_user_namespaces=16384/,
    ],
    [
      'newuidmap without its rights, or ids that the container lacks',
      {},
      'newuidmap: write to uid_map failed: Operation not permitted',
      'SANDBOX_REFUSED',
      /newuidmap: write to uid_map failed/,
      /apt-get install --reinstall uidmap.*\/etc\/subuid/,
    ],
    ['a container', {}, unshare, 'SANDBOX_REFUSED', /Operation not permitted/, /seccomp=unconfined/],
  ])('%s', (_, facts, said, code, message, hint) => {
    const error = explainRefusal(rootless, { ...debian, ...facts }, said)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(error.hint).toMatch(hint)
  })

  test('root in a container without the right to mount', () => {
    const error = explainRefusal({ kind: 'root' }, { ...debian, uid: 0 }, unshare)
    expect(error.code).toBe('SANDBOX_REFUSED')
    expect(error.hint).toContain('CAP_SYS_ADMIN')
  })
})
