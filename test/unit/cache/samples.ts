import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { keyOf, preKeyOf } from '../../../builder/cache/keys.ts'
import { openLayers } from '../../../builder/cache/layers.ts'
import { cacheLayout } from '../../../builder/cache/layout.ts'
import type { CacheStep, Layer, LayerMeta } from '../../../builder/cache/types.ts'
import { removeTree } from '../../../lib/tree.ts'

/** A directory for a step cache, deleted after the test. */
export async function cacheDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'coffer-cache-'))
  onTestFinished(() => removeTree(path))
  return path
}

/** A step, install.d/10-a of element app unless said otherwise. */
export function stepOf(changes: Partial<CacheStep> = {}): CacheStep {
  return {
    phase: 'install.d',
    name: '10-a',
    element: 'app',
    inputs: { script: 'one' },
    never: false,
    attributes: false,
    ...changes,
  }
}

/** What a step leaves in the cache after the given one. */
export function metaOf(previous: string, step = stepOf(), changes: Partial<LayerMeta> = {}): LayerMeta {
  const preKey = preKeyOf(previous, step)
  return {
    layerVersion: 1,
    key: keyOf(preKey, changes.served ?? []),
    preKey,
    phase: step.phase,
    step: step.name,
    element: step.element,
    inputs: step.inputs,
    never: step.never,
    served: [],
    recorded: [],
    seconds: 1,
    tree: true,
    hooks: false,
    created: '2026-01-01T00:00:00.000Z',
    bootId: 'boot',
    ...changes,
  }
}

let drafts = 0

/** Puts a layer with these files (path below the layer's directory → text) into a cache. */
export async function putLayer(
  directory: string,
  meta: LayerMeta,
  files: Readonly<Record<string, string>> = { 't/etc/motd': 'hello\n' },
): Promise<Layer> {
  const draft = join(cacheLayout(directory).builds, `draft-${++drafts}`)
  await mkdir(draft, { recursive: true })
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(draft, path)), { recursive: true })
    await writeFile(join(draft, path), text)
  }
  return await openLayers(directory).commit(draft, meta)
}
