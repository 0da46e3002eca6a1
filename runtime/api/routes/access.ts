import { fault } from '../../model/faults.ts'
import { checkDatabaseName, unquote } from '../../model/names.ts'
import type { Routes } from '../deps.ts'
import { askGuest } from '../guest.ts'
import { accepted, guestAnswers } from '../schemas/answers.ts'
import { databaseNames } from '../schemas/values.ts'
import { databaseViews } from '../views/guest-objects.ts'
import { runningInstance } from './databases.ts'
import { nameContext } from './guest-values.ts'
import { userOf } from './users.ts'

const grantBody = {
  type: 'object',
  required: ['databases'],
  properties: { databases: databaseNames },
  examples: [{ databases: [{ name: 'db1' }] }],
} as const

/** Which databases a user may use (Trove contract §1.6). Granting is PUT; the book's table prints POST. */
export const accessRoutes: Routes = (app, deps) => {
  const tags = ['users']
  const url = '/instances/:id/users/:name/databases'

  app.get(
    url,
    { schema: { summary: 'List the databases of a user', tags, response: guestAnswers.access } },
    async (request) => {
      const instance = await runningInstance(request, deps)
      const { name, host } = userOf(request, instance, deps)
      const answer = await askGuest(request, deps, instance, 'list_access', {
        username: name,
        hostname: host,
      })
      return { databases: databaseViews(answer, 'list_access') }
    },
  )
  app.put(
    url,
    { schema: { summary: 'Grant access to databases', tags, response: accepted, body: grantBody } },
    async (request, reply) => {
      const instance = await runningInstance(request, deps)
      const { name, host } = userOf(request, instance, deps)
      const names = nameContext(instance.datastore_manager, deps.settings)
      const body = request.body as { readonly databases: readonly { readonly name: string }[] }
      const databases = body.databases.map((database) => database.name)
      for (const database of databases) checkDatabaseName(database, names)
      const args = { username: name, hostname: host, databases }
      if (databases.length > 0) await askGuest(request, deps, instance, 'grant_access', args)
      return reply.code(202).send()
    },
  )
  app.delete(
    `${url}/:database`,
    { schema: { summary: 'Revoke access to a database', tags, response: accepted } },
    async (request, reply) => {
      const instance = await runningInstance(request, deps)
      const { name, host } = userOf(request, instance, deps)
      const database = unquote((request.params as { readonly database: string }).database)
      checkDatabaseName(database, nameContext(instance.datastore_manager, deps.settings))
      const who = { username: name, hostname: host }
      // Engines revoke what nobody had without a word; Trove answers 404 then (contract §1.6).
      const granted = databaseViews(
        await askGuest(request, deps, instance, 'list_access', who),
        'list_access',
      )
      if (!granted.some((one) => one.name === database)) throw fault('DATABASE_NOT_FOUND', { uuid: database })
      await askGuest(request, deps, instance, 'revoke_access', { ...who, database })
      return reply.code(202).send()
    },
  )
}
