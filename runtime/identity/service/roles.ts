import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { addRole, grant, keepingAnAdmin, removeRole, takeBack } from '../changes.ts'
import { notFound } from '../errors.ts'
import { DEFAULT_DOMAIN, newId, type RoleRecord } from '../records.ts'
import { type IdentityApp, type IdentityDeps, listLinks, matchesFilters, permit, selfLink } from './frame.ts'

const Params = Type.Object({ id: Type.String() })
const CreateBody = Type.Object({
  role: Type.Object({
    name: Type.String({ minLength: 1, maxLength: 255 }),
    description: Type.Optional(Type.Union([Type.String({ maxLength: 4096 }), Type.Null()])),
  }),
})
const Holder = Type.Object({ project: Type.String(), user: Type.String() })
const Assigned = Type.Object({ project: Type.String(), user: Type.String(), role: Type.String() })

/** `/v3/roles`, and who has which role where. */
export function roleRoutes(app: IdentityApp, deps: IdentityDeps): void {
  const { store } = deps

  app.get('/v3/roles', (request) => {
    permit(deps, request, 'list_roles')
    return {
      roles: store
        .view()
        .data.roles.filter((role) => matchesFilters(request.query, role))
        .map((role) => roleV3(deps, request, role)),
      links: listLinks(deps, request, '/roles'),
    }
  })
  app.get('/v3/roles/:id', { schema: { params: Params } }, (request) => {
    permit(deps, request, 'get_role')
    const role = store.view().role(request.params.id)
    if (role === undefined) throw notFound('role', request.params.id)
    return { role: roleV3(deps, request, role) }
  })
  app.post('/v3/roles', { schema: { body: CreateBody } }, async (request, reply) => {
    permit(deps, request, 'create_role')
    const { name, description } = request.body.role
    const role: RoleRecord = { id: newId(), name, description: description ?? '' }
    await store.change(addRole(role))
    return reply.code(201).send({ role: roleV3(deps, request, role) })
  })
  app.delete('/v3/roles/:id', { schema: { params: Params } }, async (request, reply) => {
    permit(deps, request, 'delete_role')
    await store.change(keepingAnAdmin(removeRole(request.params.id), deps.adminRoles))
    return reply.code(204).send()
  })
  grantRoutes(app, deps)
  app.get('/v3/role_assignments', (request) => {
    permit(deps, request, 'list_role_assignments')
    return {
      role_assignments: assignments(deps, request),
      links: listLinks(deps, request, '/role_assignments'),
    }
  })
}

function grantRoutes(app: IdentityApp, deps: IdentityDeps): void {
  const { store } = deps
  const of = (params: Type.Static<typeof Assigned>) => ({
    projectId: params.project,
    userId: params.user,
    roleId: params.role,
  })
  app.get('/v3/projects/:project/users/:user/roles', { schema: { params: Holder } }, (request) => {
    permit(deps, request, 'list_grants')
    const { project, user } = request.params
    return {
      roles: store
        .view()
        .rolesOf(user, project)
        .map((role) => roleV3(deps, request, role)),
      links: listLinks(deps, request, `/projects/${project}/users/${user}/roles`),
    }
  })
  const one = { schema: { params: Assigned } }
  app.get('/v3/projects/:project/users/:user/roles/:role', one, (request, reply) => {
    permit(deps, request, 'check_grant')
    const { project, user, role } = request.params
    if (
      !store
        .view()
        .rolesOf(user, project)
        .some(({ id }) => id === role)
    )
      throw notFound('role', role)
    return reply.code(204).send()
  })
  app.put('/v3/projects/:project/users/:user/roles/:role', one, async (request, reply) => {
    permit(deps, request, 'create_grant')
    await store.change(grant(of(request.params)))
    return reply.code(204).send()
  })
  app.delete('/v3/projects/:project/users/:user/roles/:role', one, async (request, reply) => {
    permit(deps, request, 'revoke_grant')
    await store.change(keepingAnAdmin(takeBack(of(request.params)), deps.adminRoles))
    return reply.code(204).send()
  })
}

/** All assignments that the filters leave; there are none of groups, domains or the system. */
function assignments(deps: IdentityDeps, request: FastifyRequest) {
  const query = request.query as Record<string, string | undefined>
  if (['group.id', 'scope.domain.id', 'scope.system'].some((filter) => query[filter] !== undefined)) return []
  const view = deps.store.view()
  const names = query.include_names !== undefined && !/^(0|false)$/i.test(query.include_names)
  const wanted = (filter: string, id: string) => query[filter] === undefined || query[filter] === id
  const named = (id: string, name: string | undefined, domain: boolean) => ({
    id,
    ...(names ? { name, ...(domain ? { domain: DEFAULT_DOMAIN } : {}) } : {}),
  })
  return view.data.assignments
    .filter(
      ({ userId, projectId, roleId }) =>
        wanted('user.id', userId) && wanted('scope.project.id', projectId) && wanted('role.id', roleId),
    )
    .map(({ userId, projectId, roleId }) => ({
      role: named(roleId, view.role(roleId)?.name, false),
      user: named(userId, view.user(userId)?.name, true),
      scope: { project: named(projectId, view.project(projectId)?.name, true) },
      links: {
        assignment: selfLink(deps, request, `/projects/${projectId}/users/${userId}/roles/${roleId}`),
      },
    }))
}

const roleV3 = (deps: IdentityDeps, request: FastifyRequest, role: RoleRecord) => ({
  id: role.id,
  name: role.name,
  description: role.description,
  domain_id: null,
  options: {},
  links: { self: selfLink(deps, request, `/roles/${role.id}`) },
})
