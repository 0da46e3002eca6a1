import type { Column, Json, JsonObject, Order, Printer } from '../commands/types.ts'
import { cellText, compareValues } from './cells.ts'
import { writeJson } from './json.ts'
import { type Alignment, drawTable } from './table.ts'

/**
 * Prints results.
 *
 * @param write takes whole lines for the output stream
 */
export function printer(write: (text: string) => void, json: boolean): Printer {
  const properties = (values: JsonObject) =>
    write(json ? `${writeJson(values, 2)}\n` : `${propertyTable(values)}\n`)
  return {
    list: (objects, columns, order) =>
      write(json ? `${writeJson(objects, 2)}\n` : `${listTable(objects, columns, order)}\n`),
    properties,
    object: (values, whole) => properties(json ? whole : values),
    line: (text) => write(`${text}\n`),
  }
}

function propertyTable(values: JsonObject): string {
  const names = Object.keys(values).sort()
  return drawTable(
    ['Property', 'Value'],
    names.map((name) => [name, cellText(values[name])]),
  )
}

function listTable(
  objects: readonly JsonObject[],
  columns: readonly Column[],
  order: Order | undefined,
): string {
  const rows = objects.map((object) => ({ object, values: columns.map((column) => shownOf(object, column)) }))
  // A column stands right when the first object, as the service sent it, has a number there.
  const alignments = (rows[0]?.values ?? []).map(
    (value): Alignment =>
      typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' ? 'right' : 'left',
  )
  if (order !== 'as given') {
    const key = (row: (typeof rows)[number]) => (order === undefined ? row.values[0] : order(row.object))
    rows.sort((a, b) => compareValues(key(a), key(b)))
  }
  return drawTable(
    columns.map(({ title }) => title),
    rows.map(({ values }) => values.map(cellText)),
    alignments,
  )
}

/** What a column shows of an object; `-` where the object says nothing. */
function shownOf(object: JsonObject, { title, value }: Column): Json {
  const found = value === undefined ? object[title.toLowerCase().replaceAll(' ', '_')] : value(object)
  return found === undefined ? '-' : found
}
