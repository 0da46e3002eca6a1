import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../../lib/errors.ts'
import { parseYaml } from '../yaml.ts'

/** One package-installs file: where it lies, whose it is, and its parsed content. */
export interface PackageInstallsFile {
  readonly path: string
  readonly element: string
  readonly content: unknown
}

/**
 * The package-installs files of the elements: for every element every directory of the path that holds one of the name,
 * so also those of an overridden element; JSON before YAML (DIB contract §3.6).
 */
export async function packageInstallsFiles(
  elements: readonly string[],
  path: readonly string[],
): Promise<PackageInstallsFile[]> {
  const places = elements.flatMap((element) =>
    path.flatMap((directory) =>
      ['json', 'yaml'].map((kind) => ({
        element,
        path: join(directory, element, `package-installs.${kind}`),
      })),
    ),
  )
  const found = await Promise.all(
    places.map(async ({ element, path }) => {
      const text = await readIfThere(path)
      return text === undefined ? [] : [{ path, element, content: parseJsonOrYaml(text, path) }]
    }),
  )
  return found.flat()
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined
    throw error
  }
}

/** Either format under either name, as in DIB. */
function parseJsonOrYaml(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return parseYaml(text, path)
  }
}
