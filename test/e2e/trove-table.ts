import { expect } from 'vitest'

/** A table as a person reads it. */
export interface Table {
  readonly titles: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Reads a table of the book's shape: rules of `+---+` above, below the titles and at the end, cells between bars. */
export function readTable(text: string): Table {
  if (text === '') return { titles: [], rows: [] }
  const lines = text.replace(/\n$/, '').split('\n')
  const [rule = '', ...rest] = lines
  expect(rule, text).toMatch(/^\+(-+\+)+$/)
  expect([rest[1], rest.at(-1)], text).toEqual([rule, rule])
  const bars = [...rule].flatMap((character, at) => (character === '+' ? [at] : []))
  const cells = (line: string) => {
    expect(line.length, text).toBe(rule.length)
    for (const at of bars) expect(line[at], text).toBe('|')
    return bars.slice(1).map((end, n) => line.slice((bars[n] ?? 0) + 1, end).trim())
  }
  return { titles: cells(rest[0] ?? ''), rows: rest.slice(2, -1).map(cells) }
}

/** One column. */
export function column(table: Table, title: string): readonly (string | undefined)[] {
  const at = table.titles.indexOf(title)
  expect(at, `no column ${title}`).toBeGreaterThanOrEqual(0)
  return table.rows.map((row) => row[at])
}

/** A table of one object, as `Property` and `Value`. */
export function properties(table: Table): Readonly<Record<string, string>> {
  expect(table.titles).toEqual(['Property', 'Value'])
  return Object.fromEntries(table.rows.map(([name = '', value = '']) => [name, value]))
}
