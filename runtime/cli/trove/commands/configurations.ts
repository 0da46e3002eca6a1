import type { PositionalSpec } from '../arguments/types.ts'
import { child, objects } from '../output/fields.ts'
import { listAll } from '../service/collections.ts'
import { CONFIGURATION, findId, findWhole, INSTANCE } from '../service/find.ts'
import { resource } from '../service/path.ts'
import { configurationTable, valuesOf } from './configuration-values.ts'
import { datastoreOption, versionPath, versionWord } from './datastores.ts'
import { present } from './instance-view.ts'
import type { Command } from './types.ts'
import { instanceWord, option, pageOptions } from './words.ts'

const groupWord: PositionalSpec = {
  name: 'configuration_group',
  help: 'Name or id of the configuration group.',
}
const valuesWord: PositionalSpec = {
  name: 'values',
  help: 'The values as JSON, for example \'{"max_connections": 200}\'.',
}
const descriptionOption = option('--description', 'description', 'What the group is for.')

export const configurationCommands: readonly Command[] = [
  {
    name: 'configuration-list',
    group: 'Configuration groups',
    help: 'Lists configuration groups.',
    options: pageOptions,
    run: async ({ service, print }, args) => {
      const groups = await listAll(service, '/configurations', 'configurations', {
        limit: args.maybe('limit'),
        marker: args.maybe('marker'),
      })
      const titles = ['ID', 'Name', 'Description', 'Datastore Name', 'Datastore Version Name']
      print.list(
        groups,
        titles.map((title) => ({ title })),
      )
    },
  },
  {
    name: 'configuration-show',
    group: 'Configuration groups',
    help: 'Shows a configuration group with its values.',
    positionals: [groupWord],
    run: async ({ service, print }, args) => {
      const group = await findWhole(service, CONFIGURATION, args.one('configuration_group'))
      const { datastore_version_id: _id, ...shown } = configurationTable(group)
      print.object(shown, group)
    },
  },
  {
    name: 'configuration-create',
    group: 'Configuration groups',
    help: 'Creates a configuration group.',
    positionals: [{ name: 'name', help: 'Name of the new group.' }, valuesWord],
    options: [
      option('--datastore', 'datastore', 'Name or id of the datastore (default: as the service is set up).'),
      option(
        '--datastore_version',
        'datastore_version',
        "Name or id of the version (default: the datastore's).",
      ),
      descriptionOption,
    ],
    run: async ({ service, print }, args) => {
      const datastore = present({ type: args.maybe('datastore'), version: args.maybe('datastore_version') })
      const configuration = present({
        name: args.one('name'),
        values: valuesOf(args.one('values')),
        description: args.maybe('description'),
        datastore: Object.keys(datastore).length === 0 ? undefined : datastore,
      })
      const group = child(await service.post('/configurations', { configuration }), 'configuration')
      print.object(configurationTable(group), group)
    },
  },
  {
    name: 'configuration-patch',
    group: 'Configuration groups',
    help: 'Changes some values of a configuration group; the others stay.',
    positionals: [groupWord, valuesWord],
    run: async ({ service }, args) => {
      const values = valuesOf(args.one('values'))
      const id = await findId(service, CONFIGURATION, args.one('configuration_group'))
      await service.patch(resource('configurations', id), { configuration: { values } })
    },
  },
  {
    name: 'configuration-update',
    group: 'Configuration groups',
    help: 'Replaces all values of a configuration group.',
    positionals: [groupWord, valuesWord],
    options: [option('--name', 'name', 'New name of the group.'), descriptionOption],
    run: async ({ service }, args) => {
      const values = valuesOf(args.one('values'))
      const id = await findId(service, CONFIGURATION, args.one('configuration_group'))
      const configuration = present({
        values,
        name: args.maybe('name'),
        description: args.maybe('description'),
      })
      await service.put(resource('configurations', id), { configuration })
    },
  },
  {
    name: 'configuration-delete',
    group: 'Configuration groups',
    help: 'Deletes a configuration group.',
    positionals: [groupWord],
    run: async ({ service }, args) => {
      const id = await findId(service, CONFIGURATION, args.one('configuration_group'))
      await service.remove(resource('configurations', id))
    },
  },
  {
    name: 'configuration-attach',
    group: 'Configuration groups',
    help: 'Attaches a configuration group to an instance.',
    positionals: [instanceWord, { name: 'configuration', help: 'Name or id of the configuration group.' }],
    run: async ({ service }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      const configuration = await findId(service, CONFIGURATION, args.one('configuration'))
      await service.put(resource('instances', id), { instance: { configuration } })
    },
  },
  {
    name: 'configuration-detach',
    group: 'Configuration groups',
    help: 'Detaches the configuration group of an instance.',
    positionals: [instanceWord],
    run: async ({ service }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      await service.put(resource('instances', id), { instance: {} })
    },
  },
  {
    name: 'configuration-instances',
    group: 'Configuration groups',
    help: 'Lists the instances that a configuration group is attached to.',
    positionals: [groupWord],
    options: pageOptions,
    run: async ({ service, print }, args) => {
      const id = await findId(service, CONFIGURATION, args.one('configuration_group'))
      const path = `${resource('configurations', id)}/instances`
      const paging = { limit: args.maybe('limit'), marker: args.maybe('marker') }
      print.list(await listAll(service, path, 'instances', paging), [{ title: 'ID' }, { title: 'Name' }])
    },
  },
  {
    name: 'configuration-default',
    group: 'Configuration groups',
    help: 'Shows the values that an instance has without a configuration group.',
    positionals: [instanceWord],
    run: async ({ service, print }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      const answer = await service.get(`${resource('instances', id)}/configuration`)
      print.properties(child(child(answer, 'instance'), 'configuration'))
    },
  },
  {
    name: 'configuration-parameter-list',
    group: 'Configuration groups',
    help: 'Lists the parameters that configuration groups of a version may set.',
    positionals: [versionWord],
    options: [datastoreOption],
    run: async ({ service, print }, args) => {
      const path = versionPath(args.one('datastore_version'), args.maybe('datastore'))
      const answer = await service.get(`${path}/parameters`)
      print.list(objects(answer['configuration-parameters']), [
        { title: 'Name' },
        { title: 'Type' },
        { title: 'Min Size', value: (parameter) => parameter.min ?? '-' },
        { title: 'Max Size', value: (parameter) => parameter.max ?? '-' },
        { title: 'Restart Required' },
      ])
    },
  },
  {
    name: 'configuration-parameter-show',
    group: 'Configuration groups',
    help: 'Shows a parameter that configuration groups may set.',
    positionals: [versionWord, { name: 'parameter', help: 'Name of the parameter.' }],
    options: [datastoreOption],
    run: async ({ service, print }, args) => {
      const path = versionPath(args.one('datastore_version'), args.maybe('datastore'))
      print.properties(await service.get(`${path}/parameters${resource(args.one('parameter'))}`))
    },
  },
]
