/** Cells of a table, titles first. */
export type Cells = readonly (readonly string[])[]

/** The rows of all tables of an output. Debian's `trove` prints texts as Python bytes (b'm1'): they are read as texts. */
export function tableOf(output: string): Cells {
  return output
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim().replace(/^b(['"])(.*)\1$/, '$2')),
    )
}

/** An error's text without the id that is another one each time. */
export const withoutRequestId = (text: string): string => text.replaceAll(/ \(Request-ID: [^)]*\)/g, '')
