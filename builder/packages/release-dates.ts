import { CofferError } from '../../lib/errors.ts'
import type { Served } from './pins.ts'
import { parseRelease, releasePlace } from './release-file.ts'
import { readBlob, type Store } from './store.ts'

/** Where the proxy tells {@link ReleaseDates.newest} to processes of the build, as an ISO 8601 date or an empty line. */
export const RELEASE_DATE_PATH = '/coffer/newest-release-date'

/** The dates of the Release files that pass. */
export interface ReleaseDates {
  readonly saw: (served: Served) => void
  readonly newest: () => Promise<Date | undefined>
}

export function releaseDates(store: Store): ReleaseDates {
  const digests = new Set<string>()
  return {
    saw({ url, digest }) {
      if (digest !== undefined && releasePlace(url) !== undefined) digests.add(digest)
    },
    async newest() {
      let newest: Date | undefined
      for (const digest of digests) {
        const { date } = parseRelease((await readBlob(store, digest)) ?? '')
        if (date !== undefined && (newest === undefined || date > newest)) newest = date
      }
      return newest
    },
  }
}

/**
 * Waits until a running proxy has told all of its answers so far to whoever listens.
 *
 * @param proxy the proxy's `url`
 */
export async function settled(proxy: string): Promise<void> {
  try {
    await (await fetch(`${proxy}${RELEASE_DATE_PATH}`)).arrayBuffer()
  } catch (error) {
    throw new CofferError('PACKAGE_PROXY_UNREACHABLE', `The package proxy at ${proxy} does not answer`, {
      hint: 'Is the loopback interface up? In a network namespace of its own it is not, until: ip link set lo up',
      cause: error,
    })
  }
}

/**
 * Asks a running proxy for the newest date of the archives that the build has used so far: what its files' times may be
 * clamped to. For processes that have nothing but the proxy's address, such as the worker.
 *
 * @param proxy the proxy's `url`
 * @returns undefined when no Release file has passed
 */
export async function newestReleaseDate(proxy: string): Promise<Date | undefined> {
  const text = await (await fetch(`${proxy}${RELEASE_DATE_PATH}`)).text()
  return text.trim() === '' ? undefined : new Date(text.trim())
}
