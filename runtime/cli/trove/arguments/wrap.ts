/** Breaks a text at blanks into lines of at most `width` characters; a longer word has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line === '') line = word
    else if (line.length + 1 + word.length <= width) line += ` ${word}`
    else {
      lines.push(line)
      line = word
    }
  }
  return [...lines, line]
}

/** Lines `  name  what it is`, names and texts in two columns; a name too long for its column has a line of its own. */
export function twoColumns(
  rows: readonly (readonly [name: string, text: string])[],
  options: { readonly indent: number; readonly width: number; readonly textAt: number },
): string[] {
  const pad = ' '.repeat(options.indent)
  const gap = ' '.repeat(options.textAt)
  return rows.flatMap(([name, text]) => {
    const head = `${pad}${name}`
    const lines = wrap(text, Math.max(options.width - options.textAt, 20))
    const beside = head.length + 2 <= options.textAt
    const first = beside ? [head.padEnd(options.textAt) + (lines[0] ?? '')] : [head]
    return [...first, ...(beside ? lines.slice(1) : lines).map((line) => gap + line)]
  })
}
