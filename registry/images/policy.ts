import { CofferError } from '../../lib/errors.ts'
import type { CoveredFile } from './signature/image-statement.ts'
import { requireGenuine } from './signature/judge.ts'
import { readTrustedKeys, type TrustedKey } from './signature/keys.ts'
import { verifyImage } from './signature/verify.ts'

/** Which images this machine takes. */
export interface ImagePolicy {
  /** Only images that a trusted key has signed, with what was signed beside them. */
  readonly requireSigned: boolean
  /** Public keys: files, and directories of `*.pub` and `*.pem`. */
  readonly trustedKeys: readonly string[]
}

/** Images need no signature. */
export const ANY_IMAGE: ImagePolicy = { requireSigned: false, trustedKeys: [] }

/**
 * The keys that the policy trusts, read anew each time: a key that was taken away counts no more.
 *
 * @throws CofferError TRUSTED_KEYS_MISSING when there are none, TRUSTED_KEY_UNSUITABLE, TRUSTED_KEY_UNREADABLE
 */
export async function trustedKeysOf({ trustedKeys }: ImagePolicy): Promise<readonly TrustedKey[]> {
  const keys = await readTrustedKeys(trustedKeys)
  if (keys.length > 0) return keys
  throw new CofferError(
    'TRUSTED_KEYS_MISSING',
    `There is no public key in ${trustedKeys.join(', ') || 'the option trusted_image_keys'}, so no image can be trusted`,
    { hint: 'Put the FILE.pub of `coffer image keygen FILE` there.' },
  )
}

/**
 * Refuses an image that the policy does not take.
 *
 * @param image by the digest of the bytes that will be used
 * @param directory where the image's record is
 * @throws CofferError what {@link trustedKeysOf} throws, and the first reason that {@link verifyImage} finds
 */
export async function requireTrusted(
  policy: ImagePolicy,
  image: CoveredFile,
  directory: string,
): Promise<void> {
  if (!policy.requireSigned) return
  requireGenuine(await verifyImage({ image, directory, keys: await trustedKeysOf(policy) }))
}
