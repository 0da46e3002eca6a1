import { findId, INSTANCE } from '../service/find.ts'
import { resource } from '../service/path.ts'
import { waitOptions } from '../wait/types.ts'
import { actionCommand } from './instances.ts'
import type { Command } from './types.ts'
import { instanceWord } from './words.ts'

export const replicationCommands: readonly Command[] = [
  {
    name: 'detach-replica',
    group: 'Replication',
    help: 'Makes a replica an instance of its own.',
    positionals: [instanceWord],
    options: waitOptions,
    run: async ({ service, wait }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      await service.patch(resource('instances', id), { instance: { slave_of: null } })
      await wait.until(args, { noun: INSTANCE, id, name: args.one('instance') })
    },
  },
  actionCommand(
    'eject-replica-source',
    'Takes a replication source that has failed out of its set; a replica takes its place.',
    { eject_replica_source: {} },
    'Replication',
  ),
  actionCommand(
    'promote-to-replica-source',
    'Makes a replica the source of its set.',
    { promote_to_replica_source: {} },
    'Replication',
  ),
]
