import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { addUser, changeUser, keepingAnAdmin, newUser, removeUser, type UserPatch } from '../changes.ts'
import { forbidden, notFound } from '../errors.ts'
import { hashPassword } from '../passwords.ts'
import type { UserRecord } from '../records.ts'
import {
  caller,
  type IdentityApp,
  type IdentityDeps,
  listLinks,
  matchesFilters,
  permit,
  selfLink,
} from './frame.ts'
import { projectV3 } from './projects.ts'

const Password = Type.String({ minLength: 1, maxLength: 1024 })
const Nullable = (maxLength: number) => Type.Optional(Type.Union([Type.String({ maxLength }), Type.Null()]))
const Fields = {
  name: Type.String({ minLength: 1, maxLength: 255 }),
  password: Type.Optional(Type.Union([Password, Type.Null()])),
  enabled: Type.Optional(Type.Boolean()),
  description: Nullable(4096),
  email: Nullable(255),
  default_project_id: Nullable(64),
}
const CreateBody = Type.Object({ user: Type.Object(Fields) })
const ChangeBody = Type.Object({ user: Type.Partial(Type.Object(Fields)) })
const PasswordBody = Type.Object({
  user: Type.Object({ original_password: Type.String({ maxLength: 1024 }), password: Password }),
})
const Params = Type.Object({ id: Type.String() })

/** `/v3/users`. */
export function userRoutes(app: IdentityApp, deps: IdentityDeps): void {
  const { store } = deps
  const found = (id: string): UserRecord => {
    const user = store.view().user(id)
    if (user === undefined) throw notFound('user', id)
    return user
  }

  app.get('/v3/users', (request) => {
    permit(deps, request, 'list_users')
    return {
      users: store
        .view()
        .data.users.filter((user) => matchesFilters(request.query, user))
        .map((user) => userV3(deps, request, user)),
      links: listLinks(deps, request, '/users'),
    }
  })
  app.get('/v3/users/:id', { schema: { params: Params } }, (request) => {
    const { id } = request.params
    permit(deps, request, 'get_user', ({ user }) => user.id === id)
    return { user: userV3(deps, request, found(id)) }
  })
  app.get('/v3/users/:id/projects', { schema: { params: Params } }, (request) => {
    const { id } = request.params
    permit(deps, request, 'list_user_projects', ({ user }) => user.id === id)
    return {
      projects: store
        .view()
        .projectsOf(found(id).id)
        .map((project) => projectV3(deps, request, project)),
      links: listLinks(deps, request, `/users/${id}/projects`),
    }
  })
  app.post('/v3/users', { schema: { body: CreateBody } }, async (request, reply) => {
    permit(deps, request, 'create_user')
    const { name } = request.body.user
    const user = newUser({ ...(await patchOf(request.body.user)), name })
    await store.change(addUser(user))
    return reply.code(201).send({ user: userV3(deps, request, user) })
  })
  app.patch('/v3/users/:id', { schema: { params: Params, body: ChangeBody } }, async (request) => {
    permit(deps, request, 'update_user')
    const { id } = request.params
    const edit = changeUser(id, await patchOf(request.body.user), deps.clock.now().getTime())
    await store.change(keepingAnAdmin(edit, deps.adminRoles))
    return { user: userV3(deps, request, found(id)) }
  })
  app.delete('/v3/users/:id', { schema: { params: Params } }, async (request, reply) => {
    permit(deps, request, 'delete_user')
    await store.change(keepingAnAdmin(removeUser(request.params.id), deps.adminRoles))
    return reply.code(204).send()
  })

  // A user's own change of password. Keystone wants a token too; the old password is the proof.
  app.post(
    '/v3/users/:id/password',
    { schema: { params: Params, body: PasswordBody } },
    async (request, reply) => {
      const { id } = request.params
      if (caller(deps, request).user.id !== id) throw forbidden('identity:change_password')
      const { original_password, password } = request.body.user
      await deps.authority.verifyPassword({ id }, original_password, request.ip)
      const passwordHash = await hashPassword(password)
      await store.change(changeUser(id, { passwordHash }, deps.clock.now().getTime()))
      return reply.code(204).send()
    },
  )
}

async function patchOf(body: Partial<Type.Static<typeof CreateBody>['user']>): Promise<UserPatch> {
  const { name, password, enabled, description, email, default_project_id: project } = body
  return {
    ...(name === undefined ? {} : { name }),
    ...(password === undefined
      ? {}
      : { passwordHash: password === null ? null : await hashPassword(password) }),
    ...(enabled === undefined ? {} : { enabled }),
    ...(description === undefined ? {} : { description: description ?? '' }),
    ...(email === undefined ? {} : { email }),
    ...(project === undefined ? {} : { defaultProjectId: project }),
  }
}

/** A user as v3 shows one: never the hash. */
const userV3 = (deps: IdentityDeps, request: FastifyRequest, user: UserRecord) => ({
  id: user.id,
  name: user.name,
  enabled: user.enabled,
  description: user.description,
  ...(user.email === null ? {} : { email: user.email }),
  ...(user.defaultProjectId === null ? {} : { default_project_id: user.defaultProjectId }),
  domain_id: 'default',
  password_expires_at: null,
  options: {},
  links: { self: selfLink(deps, request, `/users/${user.id}`) },
})
