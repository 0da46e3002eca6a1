import { CofferError } from '../../lib/errors.ts'
import { openRegistryDatabase } from '../../registry/db/index.ts'
import { recordDirectoryOf } from '../../registry/images/record-directory.ts'
import { openImageStore } from '../../registry/images/store.ts'
import { registryLocation } from '../../registry/location.ts'
import { type Registered, registerImage } from '../../registry/register.ts'
import type { Datastore } from '../datastores/datastores.ts'
import type { TreePackage } from '../engine/tree-packages.ts'

/** What `build-image` knows of the image that it has just built. */
export interface BuiltImage {
  readonly outputs: readonly { readonly path: string; readonly format: string }[]
  readonly packages: readonly TreePackage[]
  readonly elements: readonly string[]
  readonly architecture: string
}

/** Formats that can be registered, the better one first. */
const FORMATS = ['qcow2', 'raw'] as const

/**
 * Refuses `--register` before the build when nothing that can be registered would come of it, or nowhere to.
 *
 * @throws CofferError `REGISTER_NO_IMAGE`, and what opening the database throws
 */
export async function checkRegistrable(types: readonly string[]): Promise<void> {
  const { databaseUrl } = await registryLocation(process.env)
  await (await openRegistryDatabase(databaseUrl)).close()
  if (FORMATS.some((format) => types.includes(format))) return
  throw new CofferError('REGISTER_NO_IMAGE', '--register needs an image of type qcow2 or raw', {
    hint: 'Add qcow2 to -t.',
  })
}

/** Makes the built image a datastore version, in the state directory and database of this machine's services. */
export async function registerBuilt(
  built: BuiltImage,
  datastore: Datastore,
  versionName: string | undefined,
): Promise<Registered> {
  const output = FORMATS.flatMap((format) => built.outputs.filter((one) => one.format === format))[0]
  if (output === undefined) throw new Error('a build without an image to register was not refused')
  const location = await registryLocation(process.env)
  const database = await openRegistryDatabase(location.databaseUrl)
  try {
    return await registerImage(
      { store: openImageStore(location.images), database },
      {
        file: output.path,
        format: output.format === 'raw' ? 'raw' : 'qcow2',
        recordDirectory: recordDirectoryOf(output.path),
        datastore: datastore.name,
        packages: datastore.packages,
        content: {
          elements: built.elements,
          packages: built.packages,
          architecture: built.architecture,
        },
        ...(versionName === undefined ? {} : { versionName }),
      },
    )
  } finally {
    await database.close()
  }
}
