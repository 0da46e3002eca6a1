/** A table of the reference pages. Cells are Markdown already; a `|` in one is escaped here. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
}

/** Text as code, or nothing for no text. */
export function inlineCode(text: string): string {
  return text === '' ? '' : `\`${text}\``
}

/** Text that Markdown must not take for a tag or emphasis. */
export function plainText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replace(/[*_]/g, '\\$&').replaceAll('\n', ' ')
}
