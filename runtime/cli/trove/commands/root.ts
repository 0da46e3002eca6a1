import type { PositionalSpec } from '../arguments/types.ts'
import { child } from '../output/fields.ts'
import { CLUSTER, findId, INSTANCE, maybeFindId, noSuch } from '../service/find.ts'
import { resource } from '../service/path.ts'
import type { Service } from '../service/types.ts'
import type { Command } from './types.ts'
import { instanceWord, option } from './words.ts'

const anyWord: PositionalSpec = {
  name: 'instance_or_cluster',
  help: 'Name or id of the instance or cluster.',
}

export const rootCommands: readonly Command[] = [
  {
    name: 'root-enable',
    group: 'Databases and users',
    help: 'Enables the superuser of an instance and prints its new password.',
    positionals: [anyWord],
    options: [option('--root_password', 'root_password', 'Password to set (default: a generated one).')],
    run: async ({ service, print }, args) => {
      const password = args.maybe('root_password')
      const path = await rootPath(service, args.one('instance_or_cluster'))
      const answer = await service.post(path, password === undefined ? undefined : { password })
      const { name, password: given } = child(answer, 'user')
      print.properties({ name: name ?? null, password: given ?? null })
    },
  },
  {
    name: 'root-show',
    group: 'Databases and users',
    help: 'Tells whether the superuser has ever been enabled.',
    positionals: [anyWord],
    run: async ({ service, print }, args) => {
      const { rootEnabled } = await service.get(await rootPath(service, args.one('instance_or_cluster')))
      print.properties({ is_root_enabled: rootEnabled ?? null })
    },
  },
  {
    name: 'root-disable',
    group: 'Databases and users',
    help: 'Disables the superuser of an instance.',
    positionals: [instanceWord],
    run: async ({ service }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      await service.remove(`${resource('instances', id)}/root`)
    },
  },
]

async function rootPath(service: Service, name: string): Promise<string> {
  const instance = await maybeFindId(service, INSTANCE, name)
  if (instance !== undefined) return `${resource('instances', instance)}/root`
  const cluster = await maybeFindId(service, CLUSTER, name)
  if (cluster === undefined) throw noSuch('instance or cluster', name)
  return `${resource('clusters', cluster)}/root`
}
