/** Longest text of one value in a message; the rest is cut. */
const LONGEST = 200

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const body = text
    .slice(0, LONGEST)
    .replaceAll('\\', '\\\\')
    .replaceAll(quote, `\\${quote}`)
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .toWellFormed()
  return `${quote}${body}${text.length > LONGEST ? '…' : ''}${quote}`
}

/**
 * A value as Python prints it: clients and tests compare messages that were made so (Trove contract §1.1). Deep and long
 * values are cut, since they come from outside.
 */
export function pythonText(value: unknown, depth = 0): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object') return String(value)
  if (depth > 3) return Array.isArray(value) ? '[…]' : '{…}'
  if (Array.isArray(value)) return `[${cut(value.map((item) => pythonText(item, depth + 1)))}]`
  const entries = Object.entries(value).map(([key, item]) => `${quoted(key)}: ${shown(key, item, depth)}`)
  return `{${cut(entries)}}`
}

/** A password that a client sent is not repeated to it: error texts end up in logs. */
function shown(key: string, value: unknown, depth: number): string {
  return key === 'password' ? "'***'" : pythonText(value, depth + 1)
}

function cut(items: readonly string[]): string {
  return items.length > 10 ? `${items.slice(0, 10).join(', ')}, …` : items.join(', ')
}
