import { newProject, newUser } from './changes.ts'
import { generatePassword, hashPassword } from './passwords.ts'
import { newId } from './records.ts'
import type { IdentityStore } from './store.ts'

/**
 * Gives an empty store its first content: the roles, the project `admin` and the user `admin` with the role `admin` in it
 * (the names that the book's sessions use).
 *
 * @param tell told the generated password before it counts: a kill in between costs nothing, a lost password would
 * @returns false when the store had users already
 */
export async function firstStart(
  store: IdentityStore,
  tell: (password: string) => Promise<void>,
): Promise<boolean> {
  if (store.view().data.users.length > 0) return false
  const password = generatePassword()
  await tell(password)
  const passwordHash = await hashPassword(password)
  const project = newProject({ name: 'admin', description: 'The administrators of this service.' })
  const user = newUser({ name: 'admin', passwordHash, defaultProjectId: project.id })
  const admin = { id: newId(), name: 'admin', description: '' }
  const others = ['member', 'reader'].map((name) => ({ id: newId(), name, description: '' }))
  await store.change(({ data }) => ({
    ...data,
    users: [user],
    projects: [project],
    // Keystone's three, as its own bootstrap makes them.
    roles: [admin, ...others],
    assignments: [{ userId: user.id, projectId: project.id, roleId: admin.id }],
  }))
  return true
}
