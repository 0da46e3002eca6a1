import { recordFiles } from '../record.ts'
import { STATEMENT_TYPE, type Statement, subject } from '../statement.ts'
import { malformed } from './envelope.ts'

/** A file that a signature covers. */
export interface CoveredFile {
  /** Without directory. */
  readonly name: string
  readonly sha256: string
}

/** What a signature covers. */
export interface Covered {
  /** The image, in each format that it was signed in. */
  readonly images: readonly CoveredFile[]
  /** Files of the image's record, by the names of {@link recordFiles}. */
  readonly record: readonly CoveredFile[]
}

const PREDICATE_TYPE = 'urn:coffer:image-signature:v1'
const MAX_SUBJECTS = 64

/** Files of a record that a signature covers: all but itself. */
export const SIGNED_FILES: readonly string[] = Object.values(recordFiles).filter(
  (name) => name !== recordFiles.signature,
)

/** The roles are part of what is signed: a file of the record cannot pass for an image. */
interface Roles {
  readonly images: readonly string[]
  readonly record: readonly string[]
}

/** The statement to sign: the same files give the same text. */
export function imageStatement({ images, record }: Covered): Statement<Roles> {
  const sorted = (files: readonly CoveredFile[]) => files.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const names = (files: readonly CoveredFile[]) => sorted(files).map(({ name }) => name)
  return {
    _type: STATEMENT_TYPE,
    subject: [...sorted(images), ...sorted(record)].map(({ name, sha256 }) => subject(name, sha256)),
    predicateType: PREDICATE_TYPE,
    predicate: { images: names(images), record: names(record) },
  }
}

/**
 * Reads a statement out of an envelope whose signer is known.
 *
 * @throws CofferError IMAGE_SIGNATURE_MALFORMED when it is about something else, or not whole
 */
export function parseImageStatement(body: Buffer): Covered {
  const statement = parse(body)
  if (statement?._type !== STATEMENT_TYPE || statement.predicateType !== PREDICATE_TYPE) {
    throw malformed('it is not about an image')
  }
  const digests = digestsOf(statement.subject)
  const { images, record } = (statement.predicate ?? {}) as { images?: unknown; record?: unknown }
  const covered = { images: pick(images, digests), record: pick(record, digests) }
  const known = covered.record.every(({ name }) => SIGNED_FILES.includes(name))
  const apart = covered.images.every(({ name }) => !Object.values<string>(recordFiles).includes(name))
  if (!known || !apart || covered.images.length === 0)
    throw malformed('it names files that it cannot be about')
  if (covered.images.length + covered.record.length !== digests.size) {
    throw malformed('it does not say what each of its files is')
  }
  return covered
}

function parse(body: Buffer): Partial<Statement<unknown>> | null {
  try {
    return JSON.parse(body.toString('utf8')) as Partial<Statement<unknown>> | null
  } catch (error) {
    if (error instanceof SyntaxError) throw malformed('what is signed is no JSON')
    throw error
  }
}

function digestsOf(subjects: unknown): ReadonlyMap<string, string> {
  const list: readonly unknown[] = Array.isArray(subjects) ? subjects : []
  if (list.length === 0 || list.length > MAX_SUBJECTS) throw malformed('it covers no files, or too many')
  const digests = new Map<string, string>()
  for (const entry of list) {
    const { name, digest } = (entry ?? {}) as { name?: unknown; digest?: { sha256?: unknown } | null }
    const sha256 = digest?.sha256
    const sound =
      typeof name === 'string' &&
      /^[^/\0]{1,255}$/.test(name) &&
      typeof sha256 === 'string' &&
      /^[0-9a-f]{64}$/.test(sha256) &&
      !digests.has(name)
    if (!sound) throw malformed('a file in it has no name or no digest of its own')
    digests.set(name, sha256)
  }
  return digests
}

function pick(names: unknown, digests: ReadonlyMap<string, string>): readonly CoveredFile[] {
  const list: readonly unknown[] = Array.isArray(names) ? names : []
  if (new Set(list).size !== list.length) throw malformed('it names a file twice')
  return list.map((name) => {
    const sha256 = digests.get(String(name))
    if (typeof name !== 'string' || sha256 === undefined) throw malformed('it names a file without a digest')
    return { name, sha256 }
  })
}
