import { printable } from '../../../../lib/printable.ts'
import type { Json } from '../commands/types.ts'
import { writeJson } from './json.ts'

/** A value in a table: `None`, `True` and `False` as in the book, text as it is, anything deeper as JSON. */
export function cellText(value: Json | undefined): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'object') return printable(writeJson(value))
  return printable(String(value))
}

/** Order of two values: numbers by size, everything else by its text. */
export function compareValues(a: Json | undefined, b: Json | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [left, right] = [cellText(a), cellText(b)]
  return left < right ? -1 : left > right ? 1 : 0
}
