import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import { openUserNamespace } from '../../lib/user-namespace.ts'
import { readMachineFacts } from './machine-facts.ts'
import { namespaces } from './namespaces.ts'
import { decidePrivilege, explainRefusal, type Privilege } from './rootless.ts'

/** The rights of root that a build runs with. */
export interface RootRights {
  readonly privilege: Privilege
  /** Words in front of a command that needs them; none when this process has them already. */
  readonly enter: readonly string[]
  readonly release: () => Promise<void>
}

/** The privilege that a build would have here; undefined where none can be built. Nothing is tried. */
export async function expectedPrivilege(): Promise<Privilege | undefined> {
  const facts = await readMachineFacts()
  try {
    return decidePrivilege(facts)
  } catch (error) {
    if (error instanceof CofferError) return undefined
    throw error
  }
}

/**
 * Gives a build what it needs of root, and tries the namespaces that it runs in.
 *
 * @throws CofferError `SANDBOX_REFUSED`, `USER_NAMESPACES_FORBIDDEN` when kernel or container forbid them, and what
 *   {@link decidePrivilege} throws
 */
export async function acquireRoot(): Promise<RootRights> {
  const rights = await ownFilesOfImages()
  const probe = await run([...namespaces(rights.enter), 'true'], { check: false })
  if (probe.exitCode === 0) return rights
  await rights.release()
  throw explainRefusal(rights.privilege, await readMachineFacts(), probe.stderr.trim())
}

/**
 * The rights over files of an image, without those to mount.
 *
 * @throws CofferError as {@link acquireRoot}
 */
export async function ownFilesOfImages(): Promise<RootRights> {
  const facts = await readMachineFacts()
  const privilege = decidePrivilege(facts)
  if (privilege.kind !== 'rootless') return { privilege, enter: [], release: async () => undefined }
  try {
    return { privilege, ...(await openUserNamespace(privilege)) }
  } catch (error) {
    throw error instanceof CofferError ? explainRefusal(privilege, facts, error.message) : error
  }
}
