import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { findProgram } from '../../lib/find-program.ts'
import type { MachineFacts } from './rootless.ts'

/** Reads what {@link MachineFacts} says of this process and this machine. Nothing is changed or tried. */
export async function readMachineFacts(): Promise<MachineFacts> {
  const text = (path: string) => readFile(path, 'utf8').catch(() => '')
  const setting = async (name: string) => {
    const value = (await text(`/proc/sys/${name}`)).trim()
    return value === '' ? undefined : Number(value)
  }
  const uid = process.getuid?.() ?? 0
  return {
    uid,
    ownsMachine: ['', ALL_IDS].includes((await text('/proc/self/uid_map')).trim().replace(/\s+/g, ' ')),
    user: loginName() ?? String(uid),
    subuid: await text('/etc/subuid'),
    subgid: await text('/etc/subgid'),
    idMapTools:
      (await findProgram('newuidmap')) !== undefined && (await findProgram('newgidmap')) !== undefined,
    maxUserNamespaces: await setting('user/max_user_namespaces'),
    unprivilegedUsernsClone: await setting('kernel/unprivileged_userns_clone'),
    apparmorRestrictsUserns: await setting('kernel/apparmor_restrict_unprivileged_userns'),
    noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(await text('/proc/self/status')),
  }
}

/** The map of ids where nothing is mapped; user_namespaces(7). */
const ALL_IDS = '0 0 4294967295'

/** The name of the user id; undefined for an id without an account, as containers have them. */
function loginName(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
