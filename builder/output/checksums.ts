import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'

/** The algorithms of checksum files; each is also the suffix of its file. */
export type Algorithm = 'md5' | 'sha256'

/**
 * The checksums that `DIB_CHECKSUM` asks for: `1` for both, or `md5`, `sha256`, or both with a comma or a space between
 * (DIB contract §5). Empty, `0` and undefined ask for none.
 *
 * @throws CofferError `CHECKSUM_UNKNOWN`
 */
export function checksumsOf(wish: string | undefined): Algorithm[] {
  const words = (wish ?? '').split(/[\s,]+/).filter((word) => word !== '')
  if (words.length === 0 || wish === '0') return []
  if (wish === '1' || wish === 'both') return ['md5', 'sha256']
  return words.map((word) => {
    if (word === 'md5' || word === 'sha256') return word
    throw new CofferError('CHECKSUM_UNKNOWN', `DIB_CHECKSUM asks for an unknown checksum: ${word}`, {
      hint: 'Use md5, sha256, or 1 for both.',
    })
  })
}

/** Digests of a file, each by a process of its own, so that they run side by side. */
export async function digests(
  path: string,
  algorithms: readonly Algorithm[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<Algorithm, string>> {
  const pairs = algorithms.map(async (algorithm) => {
    const { stdout } = await run([`${algorithm}sum`, '--', path], signal === undefined ? {} : { signal })
    // A backslash in front marks a file name with escapes.
    return [algorithm, stdout.replace(/^\\/, '').split(' ')[0] ?? ''] as const
  })
  return new Map(await Promise.all(pairs))
}

/** A line as `md5sum -c` and `sha256sum -c` read it: digest, two spaces, name; odd names escaped. */
export function checksumLine(digest: string, name: string): string {
  const escaped = name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
  return `${escaped === name ? '' : '\\'}${digest}  ${escaped}\n`
}
