import { CofferError } from '../../lib/errors.ts'
import { openRegistryDatabase } from '../../registry/db/index.ts'
import type { ImagePackage } from '../../registry/images/manifest.ts'
import { trustedKeysOf } from '../../registry/images/policy.ts'
import { recordDirectoryOf } from '../../registry/images/record-directory.ts'
import type { SigningKey, TrustedKey } from '../../registry/images/signature/keys.ts'
import { openImageStore } from '../../registry/images/store.ts'
import { registryLocation } from '../../registry/location.ts'
import { type Registered, registerImage } from '../../registry/register.ts'
import type { Datastore } from '../datastores/datastores.ts'

/** What `build-image` knows of the image that it has just built. */
export interface BuiltImage {
  readonly outputs: readonly { readonly path: string; readonly format: string }[]
  readonly packages: readonly ImagePackage[]
  readonly elements: readonly string[]
  readonly architecture: string
}

/** Formats that can be registered, the better one first. */
const FORMATS = ['qcow2', 'raw'] as const

/**
 * Refuses `--register` before the build when nothing that can be registered would come of it, or nowhere to.
 *
 * @param key that the image will be signed with
 * @throws CofferError `REGISTER_NO_IMAGE`, `REGISTER_UNSIGNED`, and what opening the database and reading keys throw
 */
export async function checkRegistrable(types: readonly string[], key: SigningKey | undefined): Promise<void> {
  const { databaseUrl, policy } = await registryLocation(process.env)
  if (policy.requireSigned) requireTrustedKey(key, await trustedKeysOf(policy))
  await (await openRegistryDatabase(databaseUrl)).close()
  if (FORMATS.some((format) => types.includes(format))) return
  throw new CofferError('REGISTER_NO_IMAGE', '--register needs an image of type qcow2 or raw', {
    hint: 'Add qcow2 to -t.',
  })
}

function requireTrustedKey(key: SigningKey | undefined, trusted: readonly TrustedKey[]): void {
  if (key !== undefined && trusted.some(({ id }) => id === key.id)) return
  throw new CofferError(
    'REGISTER_UNSIGNED',
    key === undefined
      ? 'This machine takes signed images only (require_signed_images), and --register comes without --sign'
      : `This machine takes images of trusted keys only, and ${key.id} is none of them`,
    { hint: 'Sign with --sign KEY, whose public half is where trusted_image_keys points.' },
  )
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
      { store: openImageStore(location.images, { policy: location.policy }), database },
      {
        file: output.path,
        format: output.format === 'raw' ? 'raw' : 'qcow2',
        recordDirectory: recordDirectoryOf(output.path),
        datastore: datastore.name,
        packages: datastore.packages,
        content: {
          elements: built.elements,
          // The rest of what is known of them is in the record.
          packages: built.packages.map(({ name, version, architecture: of }) => ({
            name,
            version,
            architecture: of,
          })),
          architecture: built.architecture,
        },
        ...(versionName === undefined ? {} : { versionName }),
      },
    )
  } finally {
    await database.close()
  }
}
