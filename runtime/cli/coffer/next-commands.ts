import { delimiter, join } from 'node:path'
import { quoteWord } from '../../../lib/quote.ts'
import type { DatastoreVersionRow } from '../../db/types.ts'
import type { Settings } from '../../settings/types.ts'

const BIN = new URL('../../bin', import.meta.url).pathname

/** What a person types next, now that the service runs. Pure but for the database that it reads. */
export async function nextCommands(settings: Settings, datastore: string): Promise<readonly string[]> {
  const { openRegistryDatabase } = await import('../../../registry/db/index.ts')
  const registry = await openRegistryDatabase(settings.databaseUrl)
  try {
    const versions = (await registry.datastores.allVersions()).filter(({ active }) => active)
    return commandsFor({ settings, datastore, versions, searchPath: process.env.PATH ?? '' })
  } finally {
    await registry.close()
  }
}

/** As {@link nextCommands}, of facts. */
export function commandsFor(facts: {
  readonly settings: Pick<Settings, 'stateDir' | 'authUrl'>
  readonly datastore: string
  readonly versions: readonly Pick<DatastoreVersionRow, 'datastore_name'>[]
  readonly searchPath: string
}): readonly string[] {
  const { settings, datastore, versions, searchPath } = facts
  const commands: string[] = []
  if (!searchPath.split(delimiter).includes(BIN)) commands.push(`export PATH=${quoteWord(BIN)}:$PATH`)
  if (settings.authUrl === undefined) commands.push(`. ${quoteWord(join(settings.stateDir, 'openrc'))}`)
  const names = new Set(versions.map(({ datastore_name }) => datastore_name))
  if (names.size === 0) return [...commands, `build-image ${quoteWord(datastore)} --register`]
  const chosen = names.has(datastore) ? datastore : ([...names].sort()[0] ?? datastore)
  return [
    ...commands,
    'trove datastore-list',
    `trove create m1 2 --size 1 --datastore ${quoteWord(chosen)}`,
    'trove list',
  ]
}
