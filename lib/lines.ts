/**
 * Calls `onLine` for every line of a byte stream as it comes, without newlines; the last line need not end with one.
 * `onPartial` gets what stands on a line that has not ended yet, such as a prompt; the whole line follows later.
 */
export async function readLines(
  stream: AsyncIterable<unknown> | null | undefined,
  onLine: (line: string) => void,
  onPartial?: (text: string) => void,
): Promise<void> {
  if (stream === null || stream === undefined) return
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
    if (rest !== '') onPartial?.(rest)
  }
  if (rest !== '') onLine(rest)
}
