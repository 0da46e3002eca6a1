import type { ImagePolicy } from '../../registry/images/policy.ts'
import type { Settings } from './types.ts'

/** Which images the services take. */
export const imagePolicyOf = ({
  requireSignedImages,
  trustedImageKeys,
}: Pick<Settings, 'requireSignedImages' | 'trustedImageKeys'>): ImagePolicy => ({
  requireSigned: requireSignedImages,
  trustedKeys: trustedImageKeys,
})
