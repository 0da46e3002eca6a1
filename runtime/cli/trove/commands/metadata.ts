import type { PositionalSpec } from '../arguments/types.ts'
import { child } from '../output/fields.ts'
import { findId, INSTANCE } from '../service/find.ts'
import { resource } from '../service/path.ts'
import type { Service } from '../service/types.ts'
import type { Command } from './types.ts'

const idWord: PositionalSpec = { name: 'instance_id', help: 'Name or id of the instance.' }
const keyWord: PositionalSpec = { name: 'key', help: 'The key.' }
const valueWord: PositionalSpec = { name: 'value', help: 'The value.' }

export const metadataCommands: readonly Command[] = [
  {
    name: 'metadata-list',
    group: 'Metadata',
    help: 'Shows all metadata of an instance.',
    positionals: [idWord],
    run: async ({ service, print }, args) => {
      print.properties(child(await service.get(await at(service, args.one('instance_id'))), 'metadata'))
    },
  },
  {
    name: 'metadata-show',
    group: 'Metadata',
    help: 'Shows the metadata under one key.',
    positionals: [idWord, keyWord],
    run: async ({ service, print }, args) => {
      const path = await at(service, args.one('instance_id'), args.one('key'))
      print.properties(child(await service.get(path), 'metadata'))
    },
  },
  {
    name: 'metadata-create',
    group: 'Metadata',
    help: 'Adds metadata to an instance.',
    positionals: [idWord, keyWord, valueWord],
    run: async ({ service, print }, args) => {
      const path = await at(service, args.one('instance_id'), args.one('key'))
      print.properties(
        child(await service.post(path, { metadata: { value: args.one('value') } }), 'metadata'),
      )
    },
  },
  {
    name: 'metadata-edit',
    group: 'Metadata',
    help: 'Changes the value under a key.',
    positionals: [idWord, keyWord, valueWord],
    run: async ({ service }, args) => {
      const path = await at(service, args.one('instance_id'), args.one('key'))
      await service.patch(path, { metadata: { value: args.one('value') } })
    },
  },
  {
    name: 'metadata-update',
    group: 'Metadata',
    help: 'Replaces a key and its value.',
    positionals: [idWord, keyWord, { name: 'newkey', help: 'The new key.' }, valueWord],
    run: async ({ service }, args) => {
      const path = await at(service, args.one('instance_id'), args.one('key'))
      await service.put(path, { metadata: { key: args.one('newkey'), value: args.one('value') } })
    },
  },
  {
    name: 'metadata-delete',
    group: 'Metadata',
    help: 'Deletes the metadata under a key.',
    positionals: [idWord, keyWord],
    run: async ({ service }, args) =>
      service.remove(await at(service, args.one('instance_id'), args.one('key'))),
  },
]

async function at(service: Service, instance: string, ...key: string[]): Promise<string> {
  return resource('instances', await findId(service, INSTANCE, instance), 'metadata', ...key)
}
