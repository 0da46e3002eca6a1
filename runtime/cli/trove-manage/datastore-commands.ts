import { readFile } from 'node:fs/promises'
import { CofferError, isErrno } from '../../../lib/errors.ts'
import type { DatastoreVersionRow } from '../../../registry/db/index.ts'
import { parseValidationRules } from '../../../registry/parameters/rules.ts'
import { parameterRow } from '../../../registry/register.ts'
import { fault } from '../../model/faults.ts'
import type { ManageCommand } from './commands.ts'
import type { ManageServices } from './services.ts'

const datastore = { name: 'datastore', help: 'name of the datastore' }
const version = { name: 'datastore_version', help: 'name of the datastore version' }
const number = { name: 'version', help: "the engine's number, for versions that share a name" }

async function versionOf(
  services: ManageServices,
  owner: string,
  name: string,
  wanted: string | undefined,
): Promise<DatastoreVersionRow> {
  const { datastores } = await services.database()
  if ((await datastores.get(owner)) === undefined) throw fault('DATASTORE_NOT_FOUND', { datastore: owner })
  const found = await datastores.findVersion(owner, name, wanted)
  if (found === undefined) throw fault('DATASTORE_NO_VERSION', { datastore: owner, version: name })
  return found
}

/**
 * An image of the local store by any of its names, as the settings want it signed. Elsewhere images are not ours to look
 * up: the id is taken as it is, unless it had to be signed.
 */
async function imageIdOf(services: ManageServices, word: string): Promise<string> {
  const { computeDriver, requireSignedImages } = await services.settings()
  const images = await services.images()
  const found = await images.find(word)
  if (found !== undefined) {
    // Reads the whole image: only where somebody wants to be sure.
    if (requireSignedImages) await images.locate(found.id)
    return found.id
  }
  if (computeDriver !== 'qemu' && !requireSignedImages) return word
  throw new CofferError('IMAGE_NOT_FOUND', `Image ${word} cannot be found.`, {
    hint: 'coffer image list shows what is registered; build-image DATASTORE --register makes and registers one.',
  })
}

/** Datastores and their versions (Trove contract §5.3, §5.4; the book's Appendix B). */
export const datastoreCommands: readonly ManageCommand[] = [
  {
    name: 'datastore_update',
    summary: 'Add or update a datastore. If it exists already, its default version is changed.',
    positionals: [
      { name: 'datastore_name', help: 'name of the datastore' },
      {
        name: 'default_version',
        help: "name or id of the version to make the default; for a new datastore an empty string: ''",
      },
    ],
    run: async ({ argument }, services) => {
      const name = argument('datastore_name')
      await (await services.database()).datastores.putDatastore(name, argument('default_version'))
      return [`Datastore '${name}' updated.`]
    },
  },
  {
    name: 'datastore_version_update',
    summary:
      'Add or update a datastore version. If it exists already, all but its datastore and name is changed.',
    positionals: [
      datastore,
      { name: 'version_name', help: 'name of the datastore version' },
      { name: 'manager', help: 'name of the manager that administers the version' },
      { name: 'image_id', help: 'id of the image that its instances run' },
      {
        name: 'packages',
        help: 'packages that the guest installs at first boot, comma separated; may be empty',
      },
      { name: 'active', help: '1 if instances may be created from it, else 0' },
    ],
    options: [number],
    run: async ({ argument, option }, services) => {
      const name = argument('version_name')
      const active = argument('active')
      if (active !== '0' && active !== '1') {
        throw new CofferError('OPTION_VALUE_INVALID', `active is 0 or 1, not '${active}'`, { exitCode: 2 })
      }
      const { datastores } = await services.database()
      if ((await datastores.get(argument('datastore'))) === undefined) {
        throw fault('DATASTORE_NOT_FOUND', { datastore: argument('datastore') })
      }
      const engineNumber = option('version')
      await datastores.putVersion({
        datastore: argument('datastore'),
        name,
        manager: argument('manager'),
        image_id: await imageIdOf(services, argument('image_id')),
        packages: argument('packages'),
        active: active === '1',
        ...(engineNumber === undefined ? {} : { version: engineNumber }),
      })
      const shown = engineNumber === undefined ? name : `${name}(${engineNumber})`
      return [`Datastore version '${shown}' updated.`]
    },
  },
  {
    name: 'db_load_datastore_config_parameters',
    summary: 'Load the validation rules of configuration groups for a datastore version.',
    positionals: [
      datastore,
      version,
      { name: 'config_file_location', help: 'path of the file with the validation rules' },
    ],
    options: [number],
    run: async ({ argument, option }, services) => {
      const file = argument('config_file_location')
      const text = await readFile(file, 'utf8').catch((error: unknown) => {
        if (!isErrno(error)) throw error
        throw new CofferError('VALIDATION_RULES_UNREADABLE', `The file ${file} cannot be read: ${error.code}`)
      })
      const rules = parseValidationRules(text, file)
      const found = await versionOf(
        services,
        argument('datastore'),
        argument('datastore_version'),
        option('version'),
      )
      await (await services.database()).datastores.putParameters(found.id, rules.map(parameterRow))
      return [`Loading config parameters for datastore (${found.datastore_name}) version (${found.name})`]
    },
  },
  {
    name: 'db_remove_datastore_config_parameters',
    summary: 'Remove the validation rules of a datastore version: it has no configuration groups then.',
    positionals: [datastore, version],
    options: [number],
    run: async ({ argument, option }, services) => {
      const found = await versionOf(
        services,
        argument('datastore'),
        argument('datastore_version'),
        option('version'),
      )
      await (await services.database()).datastores.putParameters(found.id, [])
      return [`Removing config parameters for datastore (${found.datastore_name}) version (${found.name})`]
    },
  },
]
