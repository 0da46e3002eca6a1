import { CofferError } from '../../lib/errors.ts'

/** Higher than 1000: apt may go back to an older version (apt_preferences(5)). */
const PRIORITY = 1001

/**
 * The apt preferences stanza of each package of a dpkg manifest (DIB contract §3.11, manifests and apt-preferences).
 *
 * @param source the manifest's name, for errors.
 * @throws CofferError `DPKG_MANIFEST_INVALID`
 */
export function packagePins(text: string, source: string): string[] {
  return manifestPackages(text, source).map(
    ({ name, version }) => `Package: ${name}\nPin: version ${version}\nPin-Priority: ${PRIORITY}\n`,
  )
}

function manifestPackages(text: string, source: string): { name: string; version: string }[] {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    throw invalid(source)
  }
  const list = (content as { packages?: unknown } | null)?.packages
  if (!Array.isArray(list)) throw invalid(source)
  return list.map((item: { package?: unknown; version?: unknown } | null) => {
    const name = item?.package
    const version = item?.version
    if (typeof name !== 'string' || typeof version !== 'string' || /\s/.test(`${name}${version}`))
      throw invalid(source)
    return { name, version }
  })
}

function invalid(source: string): CofferError {
  return new CofferError('DPKG_MANIFEST_INVALID', `${source} is not a valid manifest file.`, {
    hint: 'Use a dib-manifest-dpkg-<image> file that the dpkg element wrote.',
  })
}
