import { CofferError } from '../../../../lib/errors.ts'
import { objects, word } from '../output/fields.ts'
import { FLAVOR, findWhole } from '../service/find.ts'
import { resource } from '../service/path.ts'
import type { Column, Command, Json, JsonObject } from './types.ts'
import { option } from './words.ts'

const columns: readonly Column[] = [
  { title: 'ID', value: flavorId },
  { title: 'Name' },
  { title: 'RAM' },
  { title: 'vCPUs', value: (flavor) => flavor.vcpus ?? '' },
  { title: 'Disk', value: (flavor) => flavor.disk ?? '' },
  { title: 'Ephemeral', value: (flavor) => flavor.ephemeral ?? '' },
]

export const flavorCommands: readonly Command[] = [
  {
    name: 'flavor-list',
    group: 'Flavors',
    help: 'Lists flavors.',
    options: [
      option('--datastore_type', 'datastore_type', 'Only flavors for this datastore.'),
      option('--datastore_version_id', 'datastore_version_id', 'And for this version of it.'),
    ],
    run: async ({ service, print }, args) => {
      const type = args.maybe('datastore_type')
      const version = args.maybe('datastore_version_id')
      if ((type === undefined) !== (version === undefined)) {
        throw new CofferError(
          'OPTIONS_CONFLICT',
          '--datastore_type and --datastore_version_id must be given together',
        )
      }
      const path =
        type === undefined || version === undefined
          ? '/flavors'
          : `${resource('datastores', type, 'versions', version)}/flavors`
      print.list(objects((await service.get(path)).flavors), columns, (flavor) => flavor.ram ?? 0)
    },
  },
  {
    name: 'flavor-show',
    group: 'Flavors',
    help: 'Shows a flavor.',
    positionals: [{ name: 'flavor', help: 'Name or id of the flavor.' }],
    run: async ({ service, print }, args) => {
      const flavor = await findWhole(service, FLAVOR, args.one('flavor'))
      const { links: _links, str_id: _text, ...shown } = flavor
      print.object({ ...shown, id: flavorId(flavor) }, flavor)
    },
  },
]

/** The id that a request names: a number, or the text of one that is no number (contract §1.4). */
function flavorId(flavor: JsonObject): Json {
  return flavor.id ?? word(flavor.str_id) ?? '-'
}
