import { CofferError, describeError } from '../../../../lib/errors.ts'
import type { Arguments } from '../arguments/types.ts'
import { child, text } from '../output/fields.ts'
import { listAll } from '../service/collections.ts'
import { CONFIGURATION, findId, findWhole, INSTANCE, type Noun } from '../service/find.ts'
import { resource } from '../service/path.ts'
import { waitOptions } from '../wait/types.ts'
import { createRequest } from './instance-request.ts'
import { instanceColumns, instanceProperties, instanceTable, present } from './instance-view.ts'
import type { Command, Context, JsonObject } from './types.ts'
import { instanceWord, option, pageOptions } from './words.ts'

export const instanceCommands: readonly Command[] = [
  {
    name: 'list',
    group: 'Instances',
    help: 'Lists instances.',
    options: [
      ...pageOptions,
      {
        names: ['--include_clustered', '--include-clustered'],
        takes: 'flag',
        help: 'Members of clusters too.',
      },
    ],
    run: async ({ service, print }, args) => {
      const instances = await listAll(service, '/instances', 'instances', {
        limit: args.maybe('limit'),
        marker: args.maybe('marker'),
        filters: { include_clustered: args.has('include_clustered') },
      })
      print.list(instances, instanceColumns)
    },
  },
  {
    name: 'show',
    group: 'Instances',
    help: 'Shows an instance.',
    positionals: [instanceWord],
    run: async (context, args) => {
      printInstance(context, await findWhole(context.service, INSTANCE, args.one('instance')))
    },
  },
  {
    name: 'create',
    group: 'Instances',
    help: 'Creates an instance: a server with a running database.',
    positionals: [
      { name: 'name', help: 'Name of the new instance.' },
      { name: 'flavor', help: 'Name or id of the flavor: its memory and processors.' },
    ],
    options: [
      option('--size', 'size', 'Size of the data volume in GB. Needed where data lives on a volume.'),
      option('--volume_type', 'volume_type', 'Type of the data volume.'),
      {
        names: ['--databases'],
        takes: 'many',
        metavar: '<database>',
        help: 'Databases to create at once.',
      },
      {
        names: ['--users'],
        takes: 'many',
        metavar: '<user:password>',
        help: 'Users to create at once. Each may use all of --databases.',
      },
      option('--backup', 'backup', 'Name or id of a backup to start from.'),
      option('--availability_zone', 'availability_zone', 'Zone to start the server in.'),
      option('--datastore', 'datastore', 'Name or id of the datastore (default: as the service is set up).'),
      option(
        '--datastore_version',
        'datastore_version',
        "Name or id of the version (default: the datastore's).",
      ),
      {
        names: ['--nic'],
        takes: 'each',
        metavar: '<net-id=net-uuid,v4-fixed-ip=ip-addr,port-id=port-uuid>',
        help: 'A network card: on the network net-id, if wanted with the address v4-fixed-ip, or on the port port-id. May repeat.',
      },
      option('--configuration', 'configuration', 'Name or id of a configuration group to attach.'),
      option('--replica_of', 'source_instance', 'Name or id of an instance to make a replica of.'),
      option('--replica_count', 'count', 'How many replicas (default: 1).'),
      option('--locality', 'policy', 'Replicas on the same host or not: affinity or anti-affinity.'),
      ...waitOptions,
    ],
    run: create,
  },
  {
    name: 'update',
    group: 'Instances',
    help: 'Changes the name of an instance, its configuration group or its replication source.',
    positionals: [instanceWord],
    options: [
      option('--name', 'name', 'New name.'),
      option('--configuration', 'configuration', 'Name or id of a configuration group to attach.'),
      {
        names: ['--detach_replica_source', '--detach-replica-source'],
        takes: 'flag',
        help: 'Make the replica an instance of its own.',
      },
      { names: ['--remove_configuration'], takes: 'flag', help: 'Detach the configuration group.' },
    ],
    run: update,
  },
  {
    name: 'upgrade',
    group: 'Instances',
    help: 'Moves an instance to another version of its datastore.',
    positionals: [instanceWord, { name: 'datastore_version', help: 'Name or id of the new version.' }],
    options: waitOptions,
    run: async (context, args) => {
      const id = await findId(context.service, INSTANCE, args.one('instance'))
      await context.service.patch(resource('instances', id), {
        instance: { datastore_version: args.one('datastore_version') },
      })
      await context.wait.until(args, { noun: INSTANCE, id, name: args.one('instance') })
    },
  },
  actionCommand('restart', 'Restarts the database server of an instance.', { restart: {} }),
  actionCommand(
    'reset-status',
    'Sets the status of an instance to ERROR, so that it can be deleted (administrators).',
    { reset_status: {} },
  ),
  {
    name: 'delete',
    group: 'Instances',
    help: 'Deletes instances with their data.',
    positionals: [{ name: 'instance', many: true, help: 'Names or ids of the instances.' }],
    options: waitOptions,
    run: (context, args) => deleteEach(context, args, INSTANCE),
  },
  {
    name: 'force-delete',
    group: 'Instances',
    help: 'Deletes an instance whatever it is doing (administrators).',
    positionals: [instanceWord],
    options: waitOptions,
    run: async (context, args) => {
      const name = args.one('instance')
      const id = await findId(context.service, INSTANCE, name)
      await context.service.post(`${resource('instances', id)}/action`, { reset_status: {} })
      await context.service.remove(resource('instances', id))
      context.notice(`Request to force delete instance ${id} has been accepted.`)
      await context.wait.until(args, { noun: INSTANCE, id, name, gone: true })
    },
  },
]

/** A command that is one action on one instance. */
export function actionCommand(
  name: string,
  help: string,
  body: JsonObject,
  group: Command['group'] = 'Instances',
): Command {
  return {
    name,
    group,
    help,
    positionals: [instanceWord],
    options: name === 'reset-status' ? [] : waitOptions,
    run: async ({ service, wait }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      await service.post(`${resource('instances', id)}/action`, body)
      await wait.until(args, { noun: INSTANCE, id, name: args.one('instance') })
    },
  }
}

async function create(context: Context, args: Arguments): Promise<void> {
  const { service, wait } = context
  const created = child(await service.post('/instances', await createRequest(service, args)), 'instance')
  const id = text(created.id) ?? ''
  const finished = await wait.until(args, { noun: INSTANCE, id, name: args.one('name') })
  // The root password is said once, in the answer to the request.
  printInstance(
    context,
    finished === undefined ? created : { ...finished, ...present({ password: created.password }) },
  )
}

async function update({ service }: Context, args: Arguments): Promise<void> {
  const configuration = args.maybe('configuration')
  if (configuration !== undefined && args.has('remove_configuration')) {
    throw new CofferError(
      'OPTIONS_CONFLICT',
      '--configuration and --remove_configuration cannot be used together',
    )
  }
  const id = await findId(service, INSTANCE, args.one('instance'))
  const change = present({
    name: args.maybe('name'),
    configuration:
      configuration !== undefined
        ? await findId(service, CONFIGURATION, configuration)
        : args.has('remove_configuration')
          ? null
          : undefined,
    slave_of: args.has('detach_replica_source') ? null : undefined,
  })
  if (Object.keys(change).length === 0) {
    throw new CofferError('NOTHING_TO_CHANGE', `No updates specified for instance ${args.one('instance')}`, {
      hint: 'see "trove help update" for what can be changed',
    })
  }
  await service.patch(resource('instances', id), { instance: change })
}

/** Deletes each of several objects; one that cannot be deleted does not keep the others. */
export async function deleteEach(context: Context, args: Arguments, noun: Noun): Promise<void> {
  const { service, notice, wait } = context
  const accepted: { id: string; name: string }[] = []
  let failures = 0
  for (const name of args.many(noun.name)) {
    try {
      const id = await findId(service, noun, name)
      await service.remove(resource(noun.collection, id))
      notice(`Request to delete ${noun.name} ${name} has been accepted.`)
      accepted.push({ id, name })
    } catch (error) {
      // One object is one error, as in the book; several are told one by one.
      if (args.many(noun.name).length === 1) throw error
      notice(describeError(error))
      failures += 1
    }
  }
  for (const { id, name } of accepted) await wait.until(args, { noun, id, name, gone: true })
  if (failures > 0) throw new CofferError('DELETE_FAILED', `Unable to delete the specified ${noun.name}(s).`)
}

function printInstance({ print }: Context, instance: JsonObject): void {
  print.object(instanceTable(instance), instanceProperties(instance))
}
