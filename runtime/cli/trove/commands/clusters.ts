import { CofferError } from '../../../../lib/errors.ts'
import type { Arguments, OptionSpec } from '../arguments/types.ts'
import { child, objects, text } from '../output/fields.ts'
import { listAll } from '../service/collections.ts'
import { CLUSTER, CONFIGURATION, findId, findWhole, INSTANCE } from '../service/find.ts'
import { resource } from '../service/path.ts'
import type { Service } from '../service/types.ts'
import { waitOptions } from '../wait/types.ts'
import { memberRequest } from './cluster-members.ts'
import { addresses, present } from './instance-view.ts'
import { deleteEach } from './instances.ts'
import type { Command, Context, JsonObject } from './types.ts'
import { clusterWord, option, pageOptions } from './words.ts'

const memberOption: OptionSpec = {
  names: ['--instance'],
  takes: 'each',
  metavar: '"opt=<value>[,opt=<value> ...]"',
  help:
    'A member: flavor=<flavor>,volume=<size in GB>, and if wanted volume_type, nic, availability_zone, type, related_to. ' +
    'Once for each member.',
}

export const clusterCommands: readonly Command[] = [
  {
    name: 'cluster-list',
    group: 'Clusters',
    help: 'Lists clusters.',
    options: pageOptions,
    run: async ({ service, print }, args) => {
      const clusters = await listAll(service, '/clusters', 'clusters', {
        limit: args.maybe('limit'),
        marker: args.maybe('marker'),
      })
      print.list(clusters, [
        { title: 'ID' },
        { title: 'Name' },
        { title: 'Datastore', value: (cluster) => child(cluster, 'datastore').type ?? '-' },
        { title: 'Datastore Version', value: (cluster) => child(cluster, 'datastore').version ?? '-' },
        { title: 'Task Name', value: (cluster) => child(cluster, 'task').name ?? '-' },
      ])
    },
  },
  {
    name: 'cluster-show',
    group: 'Clusters',
    help: 'Shows a cluster.',
    positionals: [clusterWord],
    run: async (context, args) =>
      printCluster(context, await findWhole(context.service, CLUSTER, args.one('cluster'))),
  },
  {
    name: 'cluster-instances',
    group: 'Clusters',
    help: 'Lists the members of a cluster.',
    positionals: [clusterWord],
    run: async ({ service, print }, args) => {
      const cluster = await findWhole(service, CLUSTER, args.one('cluster'))
      print.list(objects(cluster.instances), [
        { title: 'ID' },
        { title: 'Name' },
        { title: 'Flavor ID', value: (member) => child(member, 'flavor').id ?? '-' },
        { title: 'Size', value: (member) => child(member, 'volume').size ?? '-' },
        { title: 'Status' },
      ])
    },
  },
  {
    name: 'cluster-create',
    group: 'Clusters',
    help: 'Creates a cluster.',
    positionals: [
      { name: 'name', help: 'Name of the new cluster.' },
      { name: 'datastore', help: 'Name or id of the datastore.' },
      { name: 'datastore_version', help: 'Name or id of the version.' },
    ],
    options: [
      memberOption,
      option('--locality', 'policy', 'Members on the same host or not: affinity or anti-affinity.'),
      option('--configuration', 'configuration', 'Name or id of a configuration group to attach.'),
      ...waitOptions,
    ],
    run: async (context, args) => {
      const { service, wait } = context
      const configuration = args.maybe('configuration')
      const request = present({
        name: args.one('name'),
        datastore: { type: args.one('datastore'), version: args.one('datastore_version') },
        instances: await members(service, args),
        locality: args.maybe('locality'),
        configuration:
          configuration === undefined ? undefined : await findId(service, CONFIGURATION, configuration),
      })
      const created = child(await service.post('/clusters', { cluster: request }), 'cluster')
      const goal = { noun: CLUSTER, id: text(created.id) ?? '', name: args.one('name') }
      printCluster(context, (await wait.until(args, goal)) ?? created)
    },
  },
  {
    name: 'cluster-grow',
    group: 'Clusters',
    help: 'Adds members to a cluster.',
    positionals: [clusterWord],
    options: [memberOption, ...waitOptions],
    run: async (context, args) => act(context, args, { grow: await members(context.service, args) }),
  },
  {
    name: 'cluster-shrink',
    group: 'Clusters',
    help: 'Removes members from a cluster.',
    positionals: [
      clusterWord,
      { name: 'instance', many: true, help: 'Names or ids of the members to remove.' },
    ],
    options: waitOptions,
    run: async (context, args) => {
      const ids = []
      for (const name of args.many('instance'))
        ids.push({ id: await findId(context.service, INSTANCE, name) })
      await act(context, args, { shrink: ids })
    },
  },
  {
    name: 'cluster-upgrade',
    group: 'Clusters',
    help: 'Moves a cluster to another version of its datastore.',
    positionals: [clusterWord, { name: 'datastore_version', help: 'Name or id of the new version.' }],
    options: waitOptions,
    run: (context, args) =>
      act(context, args, { upgrade: { datastore_version: args.one('datastore_version') } }),
  },
  {
    name: 'cluster-reset-status',
    group: 'Clusters',
    help: 'Sets the task of a cluster to NONE (administrators).',
    positionals: [clusterWord],
    run: async ({ service }, args) => {
      const id = await findId(service, CLUSTER, args.one('cluster'))
      await service.post(resource('clusters', id), { 'reset-status': {} })
    },
  },
  {
    name: 'cluster-delete',
    group: 'Clusters',
    help: 'Deletes clusters with all their members.',
    positionals: [{ name: 'cluster', many: true, help: 'Names or ids of the clusters.' }],
    options: waitOptions,
    run: (context, args) => deleteEach(context, args, CLUSTER),
  },
  {
    name: 'cluster-force-delete',
    group: 'Clusters',
    help: 'Deletes a cluster whatever it is doing (administrators).',
    positionals: [clusterWord],
    options: waitOptions,
    run: async ({ service, notice, wait }, args) => {
      const id = await findId(service, CLUSTER, args.one('cluster'))
      await service.post(resource('clusters', id), { 'reset-status': {} })
      await service.remove(resource('clusters', id))
      notice(`Request to force delete cluster ${id} has been accepted.`)
      await wait.until(args, { noun: CLUSTER, id, name: args.one('cluster'), gone: true })
    },
  },
]

async function act({ service, wait }: Context, args: Arguments, action: JsonObject): Promise<void> {
  const id = await findId(service, CLUSTER, args.one('cluster'))
  await service.post(resource('clusters', id), action)
  await wait.until(args, { noun: CLUSTER, id, name: args.one('cluster') })
}

async function members(service: Service, args: Arguments): Promise<JsonObject[]> {
  const typed = args.many('instance')
  if (typed.length === 0) {
    throw new CofferError('MEMBERS_MISSING', 'Missing argument(s): instance', {
      hint: 'add --instance flavor=<flavor>,volume=<size> once for each member',
    })
  }
  const found = []
  for (const member of typed) found.push(await memberRequest(service, member))
  return found
}

function printCluster({ print }: Context, cluster: JsonObject): void {
  const { links: _links, instances: _instances, task: _task, ...own } = cluster
  const datastore = child(cluster, 'datastore')
  const task = child(cluster, 'task')
  const shown = present({
    ...own,
    datastore: datastore.type,
    datastore_version: datastore.version,
    ip: addresses(cluster),
    task_name: task.name,
    task_description: task.description,
  })
  print.object(shown, cluster)
}
