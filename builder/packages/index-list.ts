import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import { layout, writeSmall } from './store.ts'

/** What a `Packages` index says of one package. */
export interface IndexedPackage {
  readonly sha256: string
  /** The file's name relative to the archive. */
  readonly file: string
  readonly name: string
  readonly version: string
  readonly architecture: string
}

/** Decompressors by the first bytes of a file: a `by-hash` address does not tell the format. */
const decompressors: readonly (readonly [magic: string, program: string])[] = [
  ['fd377a58', 'xz'],
  ['1f8b', 'gzip'],
  ['28b52ffd', 'zstd'],
  ['425a68', 'bzip2'],
]

/** One line a package, its fields between tabs. The programs run beside this process and leave its loop free. */
const LIST_PACKAGES = `set -o pipefail
{ if [ "$1" = cat ]; then cat < "$2"; else "$1" -dc < "$2"; fi; } | awk -v OFS='\t' '
    function out() {
        if (file != "" && digest != "") print digest, file, name, version, architecture
        file = digest = name = version = architecture = ""
    }
    /^Package: / { name = $2 }
    /^Version: / { version = $2 }
    /^Architecture: / { architecture = $2 }
    /^Filename: / { file = substr($0, 11) }
    /^SHA256: / { digest = $2 }
    /^$/ { out() }
    END { out() }'`

/**
 * The packages of a stored index, one line each: SHA-256, file, name, version and architecture, separated by tabs. The
 * list is kept in the store beside the index, because unpacking one of a whole archive takes a second.
 *
 * @param directory the store's directory
 * @param digest of the index
 * @param blob the stored index
 */
export async function indexList(directory: string, digest: string, blob: string): Promise<string> {
  const path = join(directory, layout.lists, digest.slice(0, 2), digest)
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
  const text = (await run(['bash', '-c', LIST_PACKAGES, 'bash', await decompressorOf(blob), blob])).stdout
  writeSmall(directory, path, text)
  return text
}

/** Reads the lines of {@link indexList}; what is no such line is left out. */
export function* indexedPackages(list: string): Generator<IndexedPackage> {
  for (let start = 0; start < list.length; ) {
    const end = list.indexOf('\n', start)
    const line = list.slice(start, end < 0 ? list.length : end)
    start += line.length + 1
    const [sha256 = '', path = '', name = '', version = '', architecture = ''] = line.split('\t')
    if (sha256.length !== 64) continue
    yield { sha256, file: path.replace(/^(\.\/)+/, ''), name, version, architecture }
  }
}

async function decompressorOf(path: string): Promise<string> {
  const handle = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0)
    const start = buffer.subarray(0, bytesRead).toString('hex')
    return decompressors.find(([magic]) => start.startsWith(magic))?.[1] ?? 'cat'
  } finally {
    await handle.close()
  }
}
