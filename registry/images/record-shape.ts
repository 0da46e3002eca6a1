import type { BuildRecord } from './record.ts'

const SHA256 = /^[0-9a-f]{64}$/
/** A file name without directory, and nothing that stands for one. */
const FILE_NAME = /^(?!\.{1,2}$)[^/\0]{1,255}$/

/**
 * Whether a value that was read from a file has the shape of a build record: whoever uses one need not check again. Fields
 * that nobody knows are no mistake.
 */
export function isBuildRecord(value: unknown): value is BuildRecord {
  return (
    hasShape(value, {
      name: text,
      builder: (builder) => hasShape(builder, { name: text, version: text }),
      architecture: text,
      elements: listOf({ name: text, digest: text }),
      steps: listOf({ phase: text, script: text, element: text, id: text }),
      packages: listOf(
        { name: text, version: text, architecture: text },
        {
          source: text,
          sourceVersion: text,
          maintainer: text,
          section: text,
          licenses: texts,
          mentionedLicenses: texts,
          sha256,
          url: text,
        },
      ),
      downloads: listOf({ url: text, sha256, kind: text }),
      outputs: listOf({ file: (name) => text(name) && FILE_NAME.test(String(name)), format: text, sha256 }),
      unreproducible: listOf({ path: text, reason: text }),
    }) &&
    hasShape(value, {}, optional) &&
    (value as { recordVersion?: unknown }).recordVersion === 1
  )
}

type Check = (value: unknown) => boolean
type Shape = Readonly<Record<string, Check>>

const text: Check = (value) => typeof value === 'string'
const sha256: Check = (value) => typeof value === 'string' && SHA256.test(value)
const texts: Check = (value) => Array.isArray(value) && value.every(text)

const listOf =
  (required: Shape, rest: Shape = {}): Check =>
  (value) =>
    Array.isArray(value) && value.every((entry) => hasShape(entry, required, rest))

const optional: Shape = {
  sourceDate: (value) => text(value) && Number.isFinite(Date.parse(String(value))),
  agentVersion: text,
  nodeVersion: text,
  lock: sha256,
  sources: listOf({ name: text, location: text, ref: text, revision: text }),
  distribution: (value) => hasShape(value, { id: text }, { version: text, codename: text }),
  request: (value) => hasShape(value, { program: text, arguments: texts }, { datastore: text }),
}

function hasShape(value: unknown, required: Shape, rest: Shape = {}): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const fields = value as Record<string, unknown>
  const own = (name: string) => (Object.hasOwn(fields, name) ? fields[name] : undefined)
  return (
    Object.entries(required).every(([name, check]) => check(own(name))) &&
    Object.entries(rest).every(([name, check]) => own(name) === undefined || check(own(name)))
  )
}
