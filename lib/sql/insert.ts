import { CompiledQuery } from 'kysely'
import type { SqlScope } from './types.ts'

export type SqlValue = string | number | bigint | null

/** What happens to a column when the row exists: the new value replaces the old one, or only if it is not null. */
export type OnConflict = 'replace' | 'replace-if-set'

export interface InsertMany {
  readonly table: string
  /** All rows have the columns of the first. Not empty. */
  readonly rows: readonly Readonly<Record<string, SqlValue>>[]
  /** Columns of the unique key by which an existing row is found. */
  readonly key: readonly string[]
  /** Columns to change in an existing row; none leaves it as it is. */
  readonly update?: Readonly<Record<string, OnConflict>>
}

/** Parameters of one statement stay below what both engines take (SQLite 32,766, MySQL 65,535). */
const MAX_PARAMETERS = 15_000

/**
 * Inserts rows or changes those that exist, in few statements, in the words of each engine. Not atomic by itself when there
 * are very many rows: call it inside a transaction.
 *
 * @returns how many rows were new, when `update` is absent; else a number of no meaning, since the engines count differently
 */
export async function insertMany<DB>(scope: SqlScope<DB>, insert: InsertMany): Promise<number> {
  const columns = Object.keys(insert.rows[0] ?? {})
  const size = Math.max(1, Math.floor(MAX_PARAMETERS / Math.max(1, columns.length)))
  let affected = 0n
  for (let from = 0; from < insert.rows.length; from += size) {
    const rows = insert.rows.slice(from, from + size)
    const text = insertText(scope, insert, columns, rows.length)
    const values = rows.flatMap((row) => columns.map((column) => row[column] ?? null))
    const result = await scope.db.executeQuery(CompiledQuery.raw(text, values))
    affected += result.numAffectedRows ?? 0n
  }
  return Number(affected)
}

function insertText<DB>(
  { engine }: SqlScope<DB>,
  { table, key, update = {} }: InsertMany,
  columns: readonly string[],
  count: number,
): string {
  const row = `(${columns.map(() => '?').join(', ')})`
  const changes = Object.entries(update)
  const ignore = changes.length === 0 && engine === 'mysql' ? ' ignore' : ''
  const insert = `insert${ignore} into ${quoted(table)} (${columns.map(quoted).join(', ')}) values ${Array(count).fill(row).join(', ')}`
  const fresh = (column: string) =>
    engine === 'sqlite' ? `excluded.${quoted(column)}` : `values(${quoted(column)})`
  const assignments = changes.map(([column, how]) => {
    const value =
      how === 'replace' ? fresh(column) : `coalesce(${fresh(column)}, ${quoted(table)}.${quoted(column)})`
    return `${quoted(column)} = ${value}`
  })
  if (engine === 'mysql') {
    return changes.length === 0 ? insert : `${insert} on duplicate key update ${assignments.join(', ')}`
  }
  const target = `on conflict (${key.map(quoted).join(', ')})`
  return changes.length === 0
    ? `${insert} ${target} do nothing`
    : `${insert} ${target} do update set ${assignments.join(', ')}`
}

/** Both engines take backquotes. Names come from code, never from outside. */
function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
