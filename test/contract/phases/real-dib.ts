import { existsSync } from 'node:fs'
import { join } from 'node:path'

const PACKAGE = '/usr/lib/python3/dist-packages/diskimage_builder'

/** Where the distribution's package python3-diskimage-builder puts its parts, or undefined when it is not installed. */
export const realDib = existsSync(PACKAGE)
  ? {
      runParts: join(PACKAGE, 'lib/dib-run-parts'),
      functions: join(PACKAGE, 'lib/common-functions'),
      elements: join(PACKAGE, 'elements'),
    }
  : undefined

/** Added to the names of tests that cannot run without it, so that a report says why they were skipped. */
export const unlessReal =
  realDib === undefined ? ' (skipped: python3-diskimage-builder is not installed)' : ''
