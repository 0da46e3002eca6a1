import { CofferError } from '../../../../lib/errors.ts'
import type { OptionSpec, PositionalSpec } from '../arguments/types.ts'
import { child, objects, text } from '../output/fields.ts'
import { listAll } from '../service/collections.ts'
import { isUuid } from '../service/find.ts'
import { resource } from '../service/path.ts'
import type { Command, JsonObject } from './types.ts'
import { option } from './words.ts'

const datastoreWord: PositionalSpec = { name: 'datastore', help: 'Name or id of the datastore.' }
export const versionWord: PositionalSpec = {
  name: 'datastore_version',
  help: 'Name or id of the version.',
}
export const datastoreOption: OptionSpec = option(
  '--datastore',
  'datastore',
  'Name or id of the datastore. Needed with the name of a version.',
)

export const datastoreCommands: readonly Command[] = [
  {
    name: 'datastore-list',
    group: 'Datastores',
    help: 'Lists datastores.',
    run: async ({ service, print }) => {
      print.list(await listAll(service, '/datastores', 'datastores'), [{ title: 'ID' }, { title: 'Name' }])
    },
  },
  {
    name: 'datastore-show',
    group: 'Datastores',
    help: 'Shows a datastore with its versions.',
    positionals: [datastoreWord],
    run: async ({ service, print }, args) => {
      const datastore = child(await service.get(resource('datastores', args.one('datastore'))), 'datastore')
      print.object(datastoreTable(datastore), datastore)
    },
  },
  {
    name: 'datastore-version-list',
    group: 'Datastores',
    help: 'Lists the versions of a datastore.',
    positionals: [datastoreWord],
    run: async ({ service, print }, args) => {
      const path = `${resource('datastores', args.one('datastore'))}/versions`
      print.list(await listAll(service, path, 'versions'), [{ title: 'ID' }, { title: 'Name' }])
    },
  },
  {
    name: 'datastore-version-show',
    group: 'Datastores',
    help: 'Shows a version of a datastore.',
    positionals: [versionWord],
    options: [datastoreOption],
    run: async ({ service, print }, args) => {
      const path = versionPath(args.one('datastore_version'), args.maybe('datastore'))
      const version = child(await service.get(path), 'version')
      const { links: _links, ...shown } = version
      print.object(shown, version)
    },
  },
]

/**
 * Where a version stands: under its datastore, or by its id alone.
 *
 * @throws CofferError `DATASTORE_NEEDED` for the name of a version alone
 */
export function versionPath(version: string, datastore: string | undefined): string {
  if (datastore !== undefined) return resource('datastores', datastore, 'versions', version)
  if (isUuid(version)) return resource('datastores', 'versions', version)
  throw new CofferError(
    'DATASTORE_NEEDED',
    'The datastore name or id is required to retrieve a datastore version by name.',
    { hint: 'add --datastore <datastore>; "trove datastore-list" names them' },
  )
}

/** Versions by name and id, the default one by its name. */
function datastoreTable(datastore: JsonObject): JsonObject {
  const { links: _links, versions, default_version: chosen, ...own } = datastore
  const all = objects(versions)
  const name = all.find(({ id }) => id === chosen)?.name ?? chosen
  return {
    ...own,
    ...(name === undefined ? {} : { default_version: name }),
    'versions (id)': all.map((version) => `${text(version.name)} (${text(version.id)})`).join('\n'),
  }
}
