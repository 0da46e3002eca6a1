import { textWidth } from './width.ts'

/** How a column stands: words left, numbers right. */
export type Alignment = 'left' | 'right'

/**
 * A table with `+---+` lines, as the Python clients draw it (book, chapter 3). Cells may have several lines.
 *
 * @param alignments one for each column; default left
 */
export function drawTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  alignments: readonly Alignment[] = [],
): string {
  const cells = [titles, ...rows].map((row) => row.map((cell) => cell.split('\n')))
  const widths = titles.map((_, column) =>
    Math.max(...cells.map((row) => Math.max(...(row[column] ?? ['']).map(textWidth)))),
  )
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`
  const draw = (row: readonly (readonly string[])[]): string[] => {
    const height = Math.max(...row.map((lines) => lines.length))
    return Array.from({ length: height }, (_, line) => {
      const texts = widths.map((width, column) => {
        const text = row[column]?.[line] ?? ''
        const blanks = ' '.repeat(width - textWidth(text))
        return alignments[column] === 'right' ? blanks + text : text + blanks
      })
      return `| ${texts.join(' | ')} |`
    })
  }
  const [head = [], ...body] = cells
  return [rule, ...draw(head), rule, ...body.flatMap(draw), rule].join('\n')
}
