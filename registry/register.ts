import { existsSync, readFileSync } from 'node:fs'
import { CofferError } from '../lib/errors.ts'
import { ENGINES, seriesOf } from './datastores/engines.ts'
import type { DatastoreVersionRow, ParameterRow, RegistryDatabase } from './db/index.ts'
import type { ImageContent, ImageFormat, ImageManifest } from './images/manifest.ts'
import type { ImageStore } from './images/store.ts'
import { type ParameterRule, parseValidationRules } from './parameters/rules.ts'

/** An image to register, and as what. */
export interface Registration {
  /** The image file. */
  readonly file: string
  readonly format?: ImageFormat
  /** What the build left beside the file: `NAME.d`. */
  readonly recordDirectory?: string
  readonly datastore: string
  /** Default: the engine's series, told by the image's packages. */
  readonly versionName?: string
  /** Default: the manager of the datastore's engine, else the datastore's name. */
  readonly manager?: string
  /** Packages that the agent would install at first boot; images of ours hold them already. */
  readonly packages: readonly string[]
  readonly content: ImageContent
  /** Users who name no version get this one. Default true. */
  readonly makeDefault?: boolean
}

/** What came of it. */
export interface Registered {
  readonly image: ImageManifest
  readonly version: DatastoreVersionRow
  readonly parameters: number
  readonly isDefault: boolean
}

/**
 * Registers an image in one step: the bytes in the store, and in one transaction the datastore, its version, the parameters
 * of configuration groups and the default. Done again it changes the version to the new image.
 *
 * @throws CofferError DATASTORE_VERSION_UNCLEAR, and what the store and the database throw
 */
export async function registerImage(
  { store, database }: { readonly store: ImageStore; readonly database: RegistryDatabase },
  registration: Registration,
): Promise<Registered> {
  const { datastore, content, makeDefault = true } = registration
  const versionName = registration.versionName ?? defaultVersionName(datastore, content)
  const image = await store.put(registration.file, {
    ...content,
    datastore,
    name: `${datastore}-${versionName}`,
    ...(registration.format === undefined ? {} : { format: registration.format }),
    ...(registration.recordDirectory === undefined ? {} : { recordDirectory: registration.recordDirectory }),
  })
  const rules = ownRules(datastore)
  return database.transaction(async (datastores) => {
    await datastores.putDatastore(datastore)
    const version = await datastores.putVersion({
      datastore,
      name: versionName,
      manager: registration.manager ?? ENGINES[datastore]?.manager ?? datastore,
      image_id: image.id,
      packages: registration.packages.join(','),
      active: true,
    })
    if (rules.length > 0) await datastores.putParameters(version.id, rules.map(parameterRow))
    if (makeDefault) await datastores.putDatastore(datastore, version.id)
    return { image, version, parameters: rules.length, isDefault: makeDefault }
  })
}

/** A rule as `datastore_configuration_parameters` stores it. */
export function parameterRow(rule: ParameterRule): Omit<ParameterRow, 'datastore_version_id'> {
  return {
    name: rule.name,
    restart_required: rule.restartRequired,
    max_size: rule.max,
    min_size: rule.min,
    data_type: rule.type,
  }
}

function defaultVersionName(datastore: string, content: ImageContent): string {
  const engine = ENGINES[datastore]
  const name = engine === undefined ? undefined : seriesOf(engine, content.packages ?? [])
  if (name !== undefined) return name
  throw new CofferError(
    'DATASTORE_VERSION_UNCLEAR',
    `No package of the image tells the version of ${datastore}`,
    {
      hint: 'Name it: --datastore-version NAME.',
    },
  )
}

/** The validation rules that come with us, none for a datastore without configuration groups. */
function ownRules(datastore: string): readonly ParameterRule[] {
  if (!Object.hasOwn(ENGINES, datastore)) return []
  const file = new URL(`datastores/${datastore}/validation-rules.json`, import.meta.url).pathname
  return existsSync(file) ? parseValidationRules(readFileSync(file, 'utf8'), file) : []
}
