import { readFile } from 'node:fs/promises'
import { CofferError, isErrno } from '../../lib/errors.ts'
import { writeAtomically } from '../../lib/write-atomically.ts'
import type { IdentityData, ProjectRecord, RoleRecord, UserRecord } from './records.ts'

/** The users, projects and roles as they stand: look-ups only, never changed. */
export interface IdentityView {
  readonly data: IdentityData
  readonly user: (id: string) => UserRecord | undefined
  readonly userNamed: (name: string) => UserRecord | undefined
  readonly project: (id: string) => ProjectRecord | undefined
  readonly projectNamed: (name: string) => ProjectRecord | undefined
  readonly role: (id: string) => RoleRecord | undefined
  /** Roles of a user in a project. */
  readonly rolesOf: (userId: string, projectId: string) => readonly RoleRecord[]
  /** Projects in which a user has a role, disabled ones left out. */
  readonly projectsOf: (userId: string) => readonly ProjectRecord[]
  readonly isRevoked: (auditId: string) => boolean
}

export interface IdentityStore {
  /** A new object after each change: who caches what it says keeps the view beside it. */
  readonly view: () => IdentityView
  /**
   * Computes the next content and keeps it, on disk first. Changes run one after another.
   *
   * @param edit throws to refuse; nothing is changed then
   */
  readonly change: (edit: (now: IdentityView) => IdentityData) => Promise<IdentityView>
}

/** Nobody and nothing: where a first start begins. */
export const EMPTY: IdentityData = {
  version: 1,
  users: [],
  projects: [],
  roles: [],
  assignments: [],
  revoked: [],
}

/**
 * Opens the file that keeps users, projects and roles; a missing one is empty.
 *
 * @throws CofferError IDENTITY_FILE_DAMAGED when it is not what this program wrote
 */
export async function openIdentityStore(file: string): Promise<IdentityStore> {
  let view = identityView(await load(file))
  let last: Promise<unknown> = Promise.resolve()
  return {
    view: () => view,
    change(edit) {
      const next = last.then(async () => {
        const data = edit(view)
        await writeAtomically(file, `${JSON.stringify(data, null, 2)}\n`, 0o600)
        view = identityView(data)
        return view
      })
      last = next.catch(() => undefined)
      return next
    },
  }
}

/** Indexes the data. */
export function identityView(data: IdentityData): IdentityView {
  const users = new Map(data.users.map((user) => [user.id, user]))
  const usersByName = new Map(data.users.map((user) => [user.name, user]))
  const projects = new Map(data.projects.map((project) => [project.id, project]))
  const projectsByName = new Map(data.projects.map((project) => [project.name, project]))
  const roles = new Map(data.roles.map((role) => [role.id, role]))
  const revoked = new Set(data.revoked.map(({ auditId }) => auditId))
  return {
    data,
    user: (id) => users.get(id),
    userNamed: (name) => usersByName.get(name),
    project: (id) => projects.get(id),
    projectNamed: (name) => projectsByName.get(name),
    role: (id) => roles.get(id),
    rolesOf: (userId, projectId) =>
      data.assignments
        .filter((assignment) => assignment.userId === userId && assignment.projectId === projectId)
        .flatMap(({ roleId }) => roles.get(roleId) ?? []),
    projectsOf(userId) {
      const ids = new Set(
        data.assignments
          .filter((assignment) => assignment.userId === userId)
          .map(({ projectId }) => projectId),
      )
      return data.projects.filter(({ id, enabled }) => enabled && ids.has(id))
    },
    isRevoked: (auditId) => revoked.has(auditId),
  }
}

/** Fields that every record of a list has, each a text: what look-ups and tokens go by. */
const TEXTS: Readonly<Record<'users' | 'projects' | 'roles' | 'assignments' | 'revoked', readonly string[]>> =
  {
    users: ['id', 'name'],
    projects: ['id', 'name'],
    roles: ['id', 'name'],
    assignments: ['userId', 'projectId', 'roleId'],
    revoked: ['auditId'],
  }

function isIdentityData(value: unknown): value is IdentityData {
  const isRecord = (item: unknown): item is Readonly<Record<string, unknown>> =>
    typeof item === 'object' && item !== null
  if (!isRecord(value) || value.version !== 1) return false
  return Object.entries(TEXTS).every(([list, texts]) => {
    const records: unknown = value[list]
    const whole = (item: unknown) => isRecord(item) && texts.every((name) => typeof item[name] === 'string')
    return Array.isArray(records) && records.every(whole)
  })
}

async function load(file: string): Promise<IdentityData> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return EMPTY
    throw error
  }
  try {
    const data: unknown = JSON.parse(text)
    if (isIdentityData(data)) return data
  } catch {
    // Not JSON: the same error.
  }
  throw new CofferError(
    'IDENTITY_FILE_DAMAGED',
    `${file} is not a file of users and projects that this version can read`,
    {
      hint: 'Restore it from a backup. Without it, projects get new ids, and instances belong to projects by id.',
    },
  )
}
