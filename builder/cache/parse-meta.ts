import type { Artifact } from './artifacts.ts'
import type { LayerMeta } from './types.ts'

// What lies in the cache may be cut off, older or newer than this program, or somebody's own: it is used only if it is whole.

/** Reads the meta.json of a layer. @returns undefined for anything else */
export function parseLayerMeta(text: string): LayerMeta | undefined {
  const meta = parseObject(text)
  const sound =
    meta?.layerVersion === 1 &&
    [meta.key, meta.preKey].every(isDigest) &&
    [meta.phase, meta.step, meta.element, meta.created, meta.bootId].every(isText) &&
    [meta.never, meta.tree, meta.hooks].every((value) => typeof value === 'boolean') &&
    typeof meta.seconds === 'number' &&
    isObject(meta.inputs) &&
    Object.values(meta.inputs).every(isText) &&
    Array.isArray(meta.served) &&
    meta.served.every(isServed) &&
    Array.isArray(meta.recorded) &&
    meta.recorded.every((value) => isObject(value) && isText(value.kind)) &&
    isOptionalText(meta.output)
  return sound ? (meta as unknown as LayerMeta) : undefined
}

/** Reads the meta.json of a build's outputs. @returns undefined for anything else */
export function parseArtifact(text: string): Artifact | undefined {
  const artifact = parseObject(text)
  const sound =
    artifact?.artifactVersion === 1 &&
    isDigest(artifact.key) &&
    isOptionalText(artifact.alike) &&
    [artifact.created, artifact.bootId].every(isText) &&
    Array.isArray(artifact.outputs) &&
    artifact.outputs.every(isOutput)
  return sound ? (artifact as unknown as Artifact) : undefined
}

function isServed(value: unknown): boolean {
  return (
    isObject(value) && isText(value.url) && typeof value.status === 'number' && isOptionalText(value.digest)
  )
}

function isOutput(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value.suffix === 'string' &&
    /^\.[\w.-]+$/.test(value.suffix) &&
    isText(value.format) &&
    typeof value.bytes === 'number' &&
    isDigest(value.sha256)
  )
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || isText(value)
}

function isDigest(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}
