import type { FastifyRequest } from 'fastify'
import type { InstanceRecord } from '../../db/types.ts'
import { fault } from '../../model/faults.ts'
import { checkHost, checkPassword, checkUserName, type UserRef, userRef } from '../../model/names.ts'
import type { JsonObject } from '../../rpc/types.ts'
import type { ApiDeps, Routes } from '../deps.ts'
import { nextLink, pageOf, pageQuery } from '../frame/pagination.ts'
import { askGuest } from '../guest.ts'
import { accepted, guestAnswers } from '../schemas/answers.ts'
import { userAttributes, userPasswords, users } from '../schemas/values.ts'
import type { UserBody } from '../schemas/wire.ts'
import { guestPage, userView } from '../views/guest-objects.ts'
import { runningInstance } from './databases.ts'
import { guestUsers, nameContext } from './guest-values.ts'

const createBody = {
  type: 'object',
  required: ['users'],
  properties: { users },
  examples: [{ users: [{ name: 'user1', password: 'password1', host: '%', databases: [{ name: 'db1' }] }] }],
} as const

const passwordsBody = {
  type: 'object',
  required: ['users'],
  properties: { users: userPasswords },
  examples: [{ users: [{ name: 'user1', password: 'password2' }] }],
} as const

const attributesBody = {
  type: 'object',
  required: ['user'],
  properties: { user: userAttributes },
  examples: [{ user: { password: 'password2' } }],
} as const

/** The user that the URL names, checked as one: the service's own accounts are nobody's to touch. */
export function userOf(request: FastifyRequest, instance: InstanceRecord, deps: ApiDeps): UserRef {
  const user = userRef((request.params as { readonly name: string }).name, instance.datastore_manager)
  const names = nameContext(instance.datastore_manager, deps.settings)
  checkUserName(user.name, names)
  checkHost(user.host, names)
  return user
}

/** Users of an instance (Trove contract §1.6). */
export const userRoutes: Routes = (app, deps) => {
  const tags = ['users']

  app.get(
    '/instances/:id/users',
    { schema: { summary: 'List users', tags, response: guestAnswers.users, querystring: pageQuery } },
    async (request) => {
      const instance = await runningInstance(request, deps)
      const page = pageOf(request, deps.settings.usersPageSize)
      const args = { limit: page.limit, marker: page.marker ?? null, include_marker: false }
      const answer = await askGuest(request, deps, instance, 'list_users', args)
      const { items, next } = guestPage(answer, 'list_users')
      return {
        users: items.map((item) => userView(item, 'list_users')),
        ...nextLink(request, deps.settings, page, next),
      }
    },
  )
  for (const [httpMethod, summary, body, method] of [
    ['POST', 'Create users', createBody, 'create_user'],
    ['PUT', 'Change passwords', passwordsBody, 'change_passwords'],
  ] as const) {
    app.route({
      method: httpMethod,
      url: '/instances/:id/users',
      schema: { summary, tags, body, response: accepted },
      handler: async (request, reply) => {
        const instance = await runningInstance(request, deps)
        const bodies = (request.body as { readonly users: readonly UserBody[] }).users
        const wanted = guestUsers(bodies, nameContext(instance.datastore_manager, deps.settings))
        if (wanted.length > 0)
          await askGuest(request, deps, instance, method, { users: wanted as unknown as JsonObject[] })
        return reply.code(202).send()
      },
    })
  }
  app.get(
    '/instances/:id/users/:name',
    { schema: { summary: 'Show a user', tags, response: guestAnswers.user } },
    async (request) => {
      const instance = await runningInstance(request, deps)
      const user = userOf(request, instance, deps)
      const args = { username: user.name, hostname: user.host }
      const answer = await askGuest(request, deps, instance, 'get_user', args)
      if (answer === null) throw fault('USER_NOT_FOUND', { uuid: user.name })
      return { user: userView(answer, 'get_user') }
    },
  )
  app.put(
    '/instances/:id/users/:name',
    { schema: { summary: 'Change a user', tags, response: accepted, body: attributesBody } },
    async (request, reply) => {
      const instance = await runningInstance(request, deps)
      const user = userOf(request, instance, deps)
      const { user: changes } = request.body as { readonly user: Partial<UserBody> }
      const names = nameContext(instance.datastore_manager, deps.settings)
      if (changes.name !== undefined) checkUserName(changes.name, names)
      if (changes.password !== undefined) checkPassword(changes.password)
      if (changes.host !== undefined) checkHost(changes.host, names)
      await askGuest(request, deps, instance, 'update_attributes', {
        username: user.name,
        hostname: user.host,
        user_attrs: changes as JsonObject,
      })
      return reply.code(202).send()
    },
  )
  app.delete(
    '/instances/:id/users/:name',
    { schema: { summary: 'Delete a user', tags, response: accepted } },
    async (request, reply) => {
      const instance = await runningInstance(request, deps)
      const user = userOf(request, instance, deps)
      await askGuest(request, deps, instance, 'delete_user', { user: { _name: user.name, _host: user.host } })
      return reply.code(202).send()
    },
  )
}
