import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { printable } from '../../../../../lib/printable.ts'
import type { Json } from '../../../../../runtime/cli/trove/commands/types.ts'
import { parseJson, writeJson } from '../../../../../runtime/cli/trove/output/json.ts'
import { printer } from '../../../../../runtime/cli/trove/output/printer.ts'
import { drawTable } from '../../../../../runtime/cli/trove/output/table.ts'
import { textWidth } from '../../../../../runtime/cli/trove/output/width.ts'

function printed(json: boolean, print: (to: ReturnType<typeof printer>) => void): string {
  let out = ''
  print(
    printer((text) => {
      out += text
    }, json),
  )
  return out
}

describe('a table', () => {
  test('is drawn as in the book', () => {
    expect(drawTable(['ID', 'Name'], [['1', 'mysql']])).toBe(
      ['+----+-------+', '| ID | Name  |', '+----+-------+', '| 1  | mysql |', '+----+-------+'].join('\n'),
    )
    expect(drawTable(['Name'], [])).toBe(['+------+', '| Name |', '+------+', '+------+'].join('\n'))
  })

  test('gives wide characters two cells and marks none', () => {
    const table = drawTable(['N'], [['漢字'], ['e\u0301'], ['👍'], ['ab']])
    expect(new Set(table.split('\n').map(textWidth))).toEqual(new Set([8]))
  })

  test('keeps the lines of a value together', () => {
    expect(drawTable(['P', 'V'], [['k', 'a\nbb']])).toContain('| k | a  |\n|   | bb |')
  })

  test('always has straight edges', () => {
    const cell = fc.string({
      unit: fc.oneof(fc.string({ minLength: 1, maxLength: 1 }), fc.constantFrom('漢', '\n', 'é')),
    })
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell)), (rows) => {
        const lines = drawTable(
          ['A', 'B'],
          rows.map((row) => row.map(printable)),
        ).split('\n')
        expect(new Set(lines.map(textWidth)).size).toBe(1)
      }),
    )
  })

  test('shows no control character of a name as such', () => {
    const out = printed(false, (print) => print.properties({ name: 'a\x1b[31mred\x07\u202e' }))
    expect(out).toContain('a\\x1b[31mred\\x07\\u202e')
    expect(out).not.toContain('\x1b')
  })
})

describe('a list', () => {
  const columns = [{ title: 'ID' }, { title: 'Parent ID' }, { title: 'Size' }]

  test('is sorted by its first column, numbers stand right, nothing is None and what is missing is -', () => {
    const out = printed(false, (print) =>
      print.list(
        [
          { id: 'b', parent_id: null, size: 10 },
          { id: 'a', parent_id: 'p' },
        ],
        columns,
      ),
    )
    expect(out).toBe(
      [
        '+----+-----------+------+',
        '| ID | Parent ID | Size |',
        '+----+-----------+------+',
        '| a  | p         |    - |',
        '| b  | None      |   10 |',
        '+----+-----------+------+',
        '',
      ].join('\n'),
    )
  })

  test('sorts numbers by size', () => {
    const out = printed(false, (print) => print.list([{ id: 10 }, { id: 9 }], [{ title: 'ID' }]))
    expect(out.indexOf(' 9 ')).toBeLessThan(out.indexOf(' 10 '))
  })

  test('is printed as JSON in the order of the service', () => {
    const out = printed(true, (print) => print.list([{ id: 'b' }, { id: 'a', x: [1] }], columns))
    expect(JSON.parse(out)).toEqual([{ id: 'b' }, { id: 'a', x: [1] }])
    expect(out).toContain('\n  {\n    "id": "b"\n  },\n')
  })
})

describe('JSON', () => {
  test('keeps every digit', () => {
    const text =
      '{"max":18446744073709551615,"min":-9223372036854775808,"small":1,"real":1.5,"list":[12345678901234567890]}'
    expect(writeJson(parseJson(text))).toBe(text)
  })

  test('is otherwise what it always was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        expect(writeJson(parseJson(text) as Json)).toBe(JSON.stringify(JSON.parse(text)))
      }),
    )
  })
})
