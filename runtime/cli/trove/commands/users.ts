import { CofferError } from '../../../../lib/errors.ts'
import type { Arguments, PositionalSpec } from '../arguments/types.ts'
import { child, objects, text } from '../output/fields.ts'
import { listAll } from '../service/collections.ts'
import { findId, INSTANCE } from '../service/find.ts'
import { account, resource, userAtHost } from '../service/path.ts'
import type { Service } from '../service/types.ts'
import { present } from './instance-view.ts'
import type { Command, JsonObject } from './types.ts'
import { hostOption, instanceWord, option } from './words.ts'

const userWord: PositionalSpec = { name: 'name', help: 'Name of the user.' }

export const userCommands: readonly Command[] = [
  {
    name: 'user-list',
    group: 'Databases and users',
    help: 'Lists the users of an instance.',
    positionals: [instanceWord],
    run: async ({ service, print }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      const users = await listAll(service, `${resource('instances', id)}/users`, 'users')
      print.list(users, [{ title: 'Name' }, { title: 'Host' }, { title: 'Databases', value: databaseNames }])
    },
  },
  {
    name: 'user-create',
    group: 'Databases and users',
    help: 'Creates a user on an instance.',
    positionals: [
      instanceWord,
      { name: 'name', help: 'Name of the new user.' },
      { name: 'password', help: 'Password of the new user.' },
    ],
    options: [
      hostOption,
      {
        names: ['--databases'],
        takes: 'many',
        metavar: '<database>',
        help: 'Databases that the user may use.',
      },
    ],
    run: async ({ service }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      const user = present({
        name: args.one('name'),
        password: args.one('password'),
        host: args.maybe('host'),
        databases: named(args.many('databases')),
      })
      await service.post(`${resource('instances', id)}/users`, { users: [user] })
    },
  },
  {
    name: 'user-delete',
    group: 'Databases and users',
    help: 'Deletes a user from an instance.',
    positionals: [instanceWord, userWord],
    options: [hostOption],
    run: async ({ service }, args) => service.remove(await userPath(service, args)),
  },
  {
    name: 'user-show',
    group: 'Databases and users',
    help: 'Shows a user of an instance.',
    positionals: [instanceWord, userWord],
    options: [hostOption],
    run: async ({ service, print }, args) => {
      const user = child(await service.get(await userPath(service, args)), 'user')
      print.object({ ...user, databases: databaseNames(user) }, user)
    },
  },
  {
    name: 'user-show-access',
    group: 'Databases and users',
    help: 'Lists the databases that a user may use.',
    positionals: [instanceWord, userWord],
    options: [hostOption],
    run: async ({ service, print }, args) => {
      const { databases } = await service.get(`${await userPath(service, args)}/databases`)
      print.list(objects(databases), [{ title: 'Name' }])
    },
  },
  {
    name: 'user-grant-access',
    group: 'Databases and users',
    help: 'Lets a user use databases.',
    positionals: [instanceWord, userWord, { name: 'databases', many: true, help: 'Names of the databases.' }],
    options: [hostOption],
    run: async ({ service }, args) => {
      await service.put(`${await userPath(service, args)}/databases`, {
        databases: named(args.many('databases')),
      })
    },
  },
  {
    name: 'user-revoke-access',
    group: 'Databases and users',
    help: 'Takes a database away from a user.',
    positionals: [instanceWord, userWord, { name: 'database', help: 'Name of one database.' }],
    options: [hostOption],
    run: async ({ service }, args) => {
      const path = await userPath(service, args)
      await service.remove(`${path}/databases${account(args.one('database'))}`)
    },
  },
  {
    name: 'user-update-attributes',
    group: 'Databases and users',
    help: 'Changes the name, password or host of a user. At least one of them must be given.',
    positionals: [instanceWord, userWord],
    options: [
      hostOption,
      option('--new_name', 'new_name', 'New name of the user.'),
      option('--new_password', 'new_password', 'New password of the user.'),
      option('--new_host', 'new_host', 'New host of the user.'),
    ],
    run: async ({ service }, args) => {
      const user = present({
        name: args.maybe('new_name'),
        password: args.maybe('new_password'),
        host: args.maybe('new_host'),
      })
      if (Object.keys(user).length === 0) {
        throw new CofferError('NOTHING_TO_CHANGE', `No updates specified for user ${args.one('name')}`)
      }
      await service.put(await userPath(service, args), { user })
    },
  },
]

async function userPath(service: Service, args: Arguments): Promise<string> {
  const id = await findId(service, INSTANCE, args.one('instance'))
  return `${resource('instances', id)}/users${account(userAtHost(args.one('name'), args.maybe('host')))}`
}

function named(names: readonly string[]): JsonObject[] {
  return names.map((name) => ({ name }))
}

/** The databases of a user as the book shows them: `db1, db2`. */
function databaseNames(user: JsonObject): string {
  return objects(user.databases)
    .map(({ name }) => text(name) ?? '')
    .join(', ')
}
