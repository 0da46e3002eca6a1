import { cp, mkdir, readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { run } from '../../lib/exec.ts'
import { exists } from '../../lib/path-kind.ts'
import { removeTree } from '../../lib/tree.ts'
import { recordFiles } from '../../registry/images/record.ts'
import { cacheLayout, layerParts } from '../cache/layout.ts'
import type { Layer } from '../cache/types.ts'

// Directories on the host that scripts fill (`# cache: output NAME`): kept with the layer, and filled again from it.

const IMAGE = '$IMAGE_NAME'

/** An output directory as a layer remembers it: a build elsewhere, or under another path, has it beside its own image. */
export function outputPlace(directory: string, imageName: string): string {
  const rest = directory.startsWith(imageName) ? directory.slice(imageName.length) : undefined
  return rest === undefined || /^\w/.test(rest) ? directory : `${IMAGE}${rest}`
}

/** Where a remembered output directory is in a build. @returns an absolute path */
export function outputDirectory(place: string, imageName: string): string {
  return resolve(place.startsWith(IMAGE) ? `${imageName}${place.slice(IMAGE.length)}` : place)
}

/** Copies what a script has put into its output directory, without what the builder itself puts there. */
export async function keepOutput(directory: string, to: string): Promise<void> {
  const path = resolve(directory)
  if (!(await exists(path))) return
  const ours = new Set<string>(Object.values(recordFiles))
  await cp(path, to, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !ours.has(source.slice(path.length).replace(/^\//, '')),
  })
}

/**
 * Fills the output directory of a layer again. What was there under the same names is replaced.
 *
 * @param cache the step cache's directory
 * @param owner of the directory and everything in it. Default: whoever runs this
 */
export async function restoreOutput(
  cache: string,
  { name, meta }: Layer,
  imageName: string,
  owner: { readonly uid: number; readonly gid: number } | undefined,
): Promise<void> {
  const kept = `${cacheLayout(cache).layer(name)}/${layerParts.output}`
  if (meta.output === undefined || !(await exists(kept))) return
  const path = outputDirectory(meta.output, imageName)
  await mkdir(path, { recursive: true })
  for (const entry of await readdir(kept)) await removeTree(`${path}/${entry}`)
  await cp(kept, path, { recursive: true, verbatimSymlinks: true })
  if (owner !== undefined) await run(['chown', '-hR', '--', `${owner.uid}:${owner.gid}`, path])
}
