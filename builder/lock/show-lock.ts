import { printableLine } from '../../lib/printable.ts'
import type { Lock } from './lock.ts'
import type { Change } from './lock-changes.ts'

/** A lock for a person. */
export function showLock(lock: Lock, digest: string): string {
  const system = [lock.distribution, lock.release, lock.architecture].filter((word) => word !== undefined)
  const facts = [
    ['system', system.join(' ')],
    ['source date', lock.sourceDate ?? 'none'],
    ['made by', `coffer ${lock.builder}`],
    ['sha256', digest],
  ]
  return [
    columns(facts),
    section(
      'Repositories',
      lock.repositories.map(({ archive, path, origin = '', label = '', date = '' }) => [
        `${lock.archives[archive]}/${path}`,
        origin === label ? origin : `${origin} ${label}`.trim(),
        date,
      ]),
    ),
    section(
      `Packages (${lock.packages.length})`,
      lock.packages.map(({ name, version, architecture, archive, suite, component }) => [
        name,
        version,
        architecture,
        [archive, suite, component].filter((word) => word !== undefined).join(' '),
      ]),
    ),
    section(
      'Sources',
      lock.sources.map(({ name, ref, revision, location }) => [name, ref, revision, location]),
    ),
    section(
      'Downloads',
      lock.downloads.map(({ url, sha256 }) => [sha256, url]),
    ),
    section(
      'Generated',
      Object.entries(lock.generated).map(([path, { sha256 }]) => [sha256, path]),
    ),
  ]
    .filter((part) => part !== '')
    .join('\n')
}

const titles = {
  repository: 'Repositories',
  package: 'Packages',
  source: 'Sources',
  download: 'Downloads',
} as const

/** What a lock would name now, for a person. `file` is the lock's own name. */
export function showChanges(lock: Lock, changes: readonly Change[], file: string): string {
  const sections = (['repository', 'package', 'source', 'download'] as const).map((what) =>
    section(
      titles[what],
      changes
        .filter((change) => change.what === what)
        .map(({ name, locked, now, problem }) => [
          name,
          problem === undefined ? `${locked} → ${now ?? 'gone'}` : `${locked}, and now? ${problem}`,
        ]),
    ),
  )
  const moved = changes.filter(({ problem }) => problem === undefined)
  const count = (what: Change['what']) => moved.filter((change) => change.what === what).length
  const verdict =
    moved.length === 0
      ? changes.length === 0
        ? 'Nothing has changed: a lock made now would name the same.'
        : 'Nothing else has changed.'
      : `${count('package')} of ${lock.packages.length} packages changed. To take this in, build with --lock ${file}`
  return [...sections.filter((part) => part !== ''), `${printableLine(verdict)}\n`].join('\n')
}

function section(title: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : `${title}\n${columns(rows, '  ')}`
}

function columns(rows: readonly (readonly string[])[], indent = ''): string {
  const printed = rows.map((row) => row.map(printableLine))
  const widths = (printed[0] ?? []).map((_, at) => Math.max(...printed.map((row) => (row[at] ?? '').length)))
  return printed
    .map((row) => `${indent}${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('')
}
