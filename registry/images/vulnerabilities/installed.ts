import { CofferError } from '../../../lib/errors.ts'
import { openImage } from '../content/open.ts'
import { readDpkg } from '../dpkg/database.ts'
import { operatingSystem } from '../facts/system.ts'
import type { ImageFormat } from '../manifest.ts'
import type { BuildRecord } from '../record.ts'
import type { BinaryPackage } from './assess.ts'

/** What is installed in an image, and on what. */
export interface Installed {
  readonly packages: readonly BinaryPackage[]
  /** Codename of the release, where it is known. */
  readonly release?: string
}

/** As the image's build recorded it. */
export const installedOfRecord = ({ packages, distribution }: BuildRecord): Installed => ({
  packages,
  ...(distribution?.codename === undefined ? {} : { release: distribution.codename }),
})

/**
 * As the image's own dpkg and os-release say: of an image without a record.
 *
 * @param format default: told by the file
 * @throws CofferError PACKAGES_UNKNOWN, and what looking into an image throws
 */
export function installedInImage(file: string, format?: ImageFormat): Installed {
  const image = openImage(file, format)
  try {
    const root = image.root()
    const packages = readDpkg(root)?.packages
    const release = operatingSystem(root)?.codename
    if (packages !== undefined) return { packages, ...(release === undefined ? {} : { release }) }
  } finally {
    image.close()
  }
  throw new CofferError(
    'PACKAGES_UNKNOWN',
    `Nothing tells the packages of ${file}: it has no record and no dpkg`,
    {
      hint: "Debian's security tracker is about Debian's packages only.",
    },
  )
}

/**
 * The codename that issues are looked up by.
 *
 * @param wanted of the command line
 * @throws CofferError RELEASE_UNKNOWN
 */
export function releaseOf({ release }: Installed, wanted: string | undefined): string {
  const found = wanted ?? release
  if (found !== undefined && found !== '') return found
  throw new CofferError('RELEASE_UNKNOWN', 'Neither record nor image say which release it is', {
    hint: 'Name it: --release bookworm.',
  })
}
