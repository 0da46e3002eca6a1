import { backupCommands } from './backups.ts'
import { clusterCommands } from './clusters.ts'
import { configurationCommands } from './configurations.ts'
import { databaseCommands } from './databases.ts'
import { datastoreCommands } from './datastores.ts'
import { flavorCommands } from './flavors.ts'
import { instanceCommands } from './instances.ts'
import { limitCommands } from './limits.ts'
import { logCommands } from './logs.ts'
import { metadataCommands } from './metadata.ts'
import { replicationCommands } from './replication.ts'
import { resizeCommands } from './resizing.ts'
import { rootCommands } from './root.ts'
import { securityGroupCommands } from './secgroups.ts'
import type { Command } from './types.ts'
import { userCommands } from './users.ts'

/** Every subcommand (book, table B-1, and those of today's client that the API serves). */
export const commands: readonly Command[] = [
  ...instanceCommands,
  ...databaseCommands,
  ...userCommands,
  ...rootCommands,
  ...datastoreCommands,
  ...flavorCommands,
  ...backupCommands,
  ...configurationCommands,
  ...replicationCommands,
  ...resizeCommands,
  ...clusterCommands,
  ...logCommands,
  ...limitCommands,
  ...securityGroupCommands,
  ...metadataCommands,
]

/** The subcommand of a name or an older name. */
export function findCommand(name: string): Command | undefined {
  return commands.find((command) => command.name === name || command.aliases?.includes(name) === true)
}
