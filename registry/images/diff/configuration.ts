import { isUtf8 } from 'node:buffer'
import type { FileNode } from '../content/node.ts'
import { readWhole } from '../content/read-whole.ts'
import type { ChangedFile, Tree } from './files.ts'
import { unifiedDiff } from './text.ts'

/** What differs in a configuration file. */
export interface ConfigurationDifference {
  readonly path: string
  /** As `diff -u` without file names; cut off after {@link MAX_LINES}. Absent when it is withheld. */
  readonly lines?: readonly string[]
  /** How many lines were cut off. */
  readonly omitted?: number
  /** Why nothing is shown: not everybody may read the file in the guest, it is no text, or it is large. */
  readonly withheld?: 'private' | 'binary' | 'large'
}

const MAX_BYTES = 256 * 1024
const MAX_LINES = 100
const FOR_EVERYBODY = 0o004

/**
 * Text differences of configuration files: changed files below `/etc`, and those that packages call so.
 *
 * @param isConffile whether a package calls the path its configuration
 */
export function compareConfiguration(
  changed: readonly ChangedFile[],
  from: Tree,
  to: Tree,
  isConffile: (path: string) => boolean,
): readonly ConfigurationDifference[] {
  return changed
    .filter(
      ({ path, aspects }) => aspects.includes('content') && (path.startsWith('/etc/') || isConffile(path)),
    )
    .map(({ path }) => ({ path, ...difference(from.get(path), to.get(path)) }))
}

function difference(a: FileNode | undefined, b: FileNode | undefined): Omit<ConfigurationDifference, 'path'> {
  if (((a?.mode ?? 0) & (b?.mode ?? 0) & FOR_EVERYBODY) === 0) return { withheld: 'private' }
  const [before, after] = [readWhole(a, MAX_BYTES), readWhole(b, MAX_BYTES)]
  if (before === undefined || after === undefined) return { withheld: 'large' }
  if (!isText(before) || !isText(after)) return { withheld: 'binary' }
  const lines = unifiedDiff(before.toString('utf8'), after.toString('utf8'))
  if (lines.length <= MAX_LINES) return { lines }
  return { lines: lines.slice(0, MAX_LINES), omitted: lines.length - MAX_LINES }
}

const isText = (bytes: Buffer): boolean => isUtf8(bytes) && !bytes.includes(0)
