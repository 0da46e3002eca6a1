import { conflict, lastAdmin, notFound } from './errors.ts'
import {
  type Assignment,
  type IdentityData,
  newId,
  type ProjectRecord,
  type RoleRecord,
  type UserRecord,
} from './records.ts'
import { type IdentityView, identityView } from './store.ts'

/** What changes users, projects and roles: each takes what is and gives what shall be, or throws to refuse. */
type Edit = (now: IdentityView) => IdentityData

/** A user as a request describes one; what is absent stays as it is. */
export type UserPatch = Partial<Omit<UserRecord, 'id' | 'tokensAfter'>>
export type ProjectPatch = Partial<Omit<ProjectRecord, 'id'>>

export const newUser = (patch: UserPatch & { readonly name: string }): UserRecord => ({
  enabled: true,
  description: '',
  email: null,
  defaultProjectId: null,
  passwordHash: null,
  ...patch,
  id: newId(),
  tokensAfter: 0,
})

export const newProject = (patch: ProjectPatch & { readonly name: string }): ProjectRecord => ({
  enabled: true,
  description: '',
  ...patch,
  id: newId(),
})

/** @throws CofferError IDENTITY_CONFLICT for a name that is taken */
export const addUser =
  (user: UserRecord): Edit =>
  ({ data, userNamed }) => {
    if (userNamed(user.name) !== undefined) throw conflict('user', user.name)
    return { ...data, users: [...data.users, user] }
  }

/**
 * A new password, and disabling, end all tokens the user has.
 *
 * @param now milliseconds since the epoch
 */
export const changeUser =
  (id: string, patch: UserPatch, now: number): Edit =>
  ({ data, user, userNamed }) => {
    const old = user(id)
    if (old === undefined) throw notFound('user', id)
    if (patch.name !== undefined && patch.name !== old.name && userNamed(patch.name) !== undefined) {
      throw conflict('user', patch.name)
    }
    const ends = patch.passwordHash !== undefined || patch.enabled === false
    const next: UserRecord = { ...old, ...patch, tokensAfter: ends ? now : old.tokensAfter }
    return { ...data, users: data.users.map((each) => (each.id === id ? next : each)) }
  }

export const removeUser =
  (id: string): Edit =>
  ({ data, user }) => {
    if (user(id) === undefined) throw notFound('user', id)
    return {
      ...data,
      users: data.users.filter((each) => each.id !== id),
      assignments: data.assignments.filter(({ userId }) => userId !== id),
    }
  }

/** @throws CofferError IDENTITY_CONFLICT for a name that is taken */
export const addProject =
  (project: ProjectRecord): Edit =>
  ({ data, projectNamed }) => {
    if (projectNamed(project.name) !== undefined) throw conflict('project', project.name)
    return { ...data, projects: [...data.projects, project] }
  }

export const changeProject =
  (id: string, patch: ProjectPatch): Edit =>
  ({ data, project, projectNamed }) => {
    const old = project(id)
    if (old === undefined) throw notFound('project', id)
    if (patch.name !== undefined && patch.name !== old.name && projectNamed(patch.name) !== undefined) {
      throw conflict('project', patch.name)
    }
    return { ...data, projects: data.projects.map((each) => (each.id === id ? { ...old, ...patch } : each)) }
  }

export const removeProject =
  (id: string): Edit =>
  ({ data, project }) => {
    if (project(id) === undefined) throw notFound('project', id)
    return {
      ...data,
      projects: data.projects.filter((each) => each.id !== id),
      assignments: data.assignments.filter(({ projectId }) => projectId !== id),
    }
  }

/** @throws CofferError IDENTITY_CONFLICT for a name that is taken */
export const addRole =
  (role: RoleRecord): Edit =>
  ({ data }) => {
    if (data.roles.some(({ name }) => name === role.name)) throw conflict('role', role.name)
    return { ...data, roles: [...data.roles, role] }
  }

export const removeRole =
  (id: string): Edit =>
  ({ data, role }) => {
    if (role(id) === undefined) throw notFound('role', id)
    return {
      ...data,
      roles: data.roles.filter((each) => each.id !== id),
      assignments: data.assignments.filter(({ roleId }) => roleId !== id),
    }
  }

/** Gives a user a role in a project; again is no error. */
export const grant =
  (assignment: Assignment): Edit =>
  ({ data, user, project, role }) => {
    if (user(assignment.userId) === undefined) throw notFound('user', assignment.userId)
    if (project(assignment.projectId) === undefined) throw notFound('project', assignment.projectId)
    if (role(assignment.roleId) === undefined) throw notFound('role', assignment.roleId)
    if (data.assignments.some(same(assignment))) return data
    return { ...data, assignments: [...data.assignments, assignment] }
  }

/** @throws CofferError IDENTITY_NOT_FOUND when the user does not have the role there */
export const takeBack =
  (assignment: Assignment): Edit =>
  ({ data }) => {
    if (!data.assignments.some(same(assignment))) throw notFound('role', assignment.roleId)
    return { ...data, assignments: data.assignments.filter((each) => !same(assignment)(each)) }
  }

/**
 * Guards an edit: someone who can log in stays administrator, since nothing else could make one again.
 *
 * @throws CofferError IDENTITY_LAST_ADMIN
 */
export const keepingAnAdmin =
  (edit: Edit, adminRoles: readonly string[]): Edit =>
  (now) => {
    const next = edit(now)
    if (hasAdmin(now, adminRoles) && !hasAdmin(identityView(next), adminRoles)) throw lastAdmin()
    return next
  }

const hasAdmin = ({ data, user, project, role }: IdentityView, adminRoles: readonly string[]): boolean =>
  data.assignments.some(
    ({ userId, projectId, roleId }) =>
      user(userId)?.enabled === true &&
      user(userId)?.passwordHash !== null &&
      project(projectId)?.enabled === true &&
      adminRoles.includes(role(roleId)?.name ?? ''),
  )

const same = (a: Assignment) => (b: Assignment) =>
  a.userId === b.userId && a.projectId === b.projectId && a.roleId === b.roleId
