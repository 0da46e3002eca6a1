import { listAll } from '../service/collections.ts'
import { findId, INSTANCE } from '../service/find.ts'
import { account, resource } from '../service/path.ts'
import { present } from './instance-view.ts'
import type { Command } from './types.ts'
import { instanceWord, option } from './words.ts'

export const databaseCommands: readonly Command[] = [
  {
    name: 'database-list',
    group: 'Databases and users',
    help: 'Lists the databases of an instance.',
    positionals: [instanceWord],
    run: async ({ service, print }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      print.list(await listAll(service, `${resource('instances', id)}/databases`, 'databases'), [
        { title: 'Name' },
      ])
    },
  },
  {
    name: 'database-create',
    group: 'Databases and users',
    help: 'Creates a database on an instance.',
    positionals: [instanceWord, { name: 'name', help: 'Name of the new database.' }],
    options: [
      option('--character_set', 'character_set', 'Character set of the database.'),
      option('--collate', 'collate', 'Collation of the database.'),
    ],
    run: async ({ service }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      const database = present({
        name: args.one('name'),
        character_set: args.maybe('character_set'),
        collate: args.maybe('collate'),
      })
      await service.post(`${resource('instances', id)}/databases`, { databases: [database] })
    },
  },
  {
    name: 'database-delete',
    group: 'Databases and users',
    help: 'Deletes a database with all that is in it.',
    positionals: [instanceWord, { name: 'database', help: 'Name of the database.' }],
    run: async ({ service }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      await service.remove(`${resource('instances', id)}/databases${account(args.one('database'))}`)
    },
  },
]
