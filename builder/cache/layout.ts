import { join } from 'node:path'

/** Where things lie in the step cache: `DIB_IMAGE_CACHE/steps`. Layers are named shortly: overlayfs takes one page of names. */
export function cacheLayout(directory: string) {
  return {
    directory,
    layers: join(directory, 'layers'),
    artifacts: join(directory, 'artifacts'),
    /** A directory for each running build: unfinished layers, and who it belongs to. */
    builds: join(directory, 'builds'),
    layer: (name: string) => join(directory, 'layers', name),
    artifact: (key: string) => join(directory, 'artifacts', key.slice(0, 32)),
  }
}

export type CacheLayout = ReturnType<typeof cacheLayout>

/** Parts of a layer's directory. */
export const layerParts = {
  meta: 'meta.json',
  /** What the step changed in the tree, as overlayfs keeps it. */
  tree: 't',
  /** What it changed in the hooks. */
  hooks: 'h',
  /** What it wrote into its output directory on the host. */
  output: 'o',
  /** Paths it wrote in the tree, one a line, and the digest of all of the layer. */
  content: 'content.json',
} as const

/** The directory name of a layer: enough of both keys to tell layers apart; the whole keys are in its meta.json. */
export function layerName(preKey: string, key: string, digits = 6): string {
  return `${preKey.slice(0, 14)}-${key.slice(0, digits)}`
}
