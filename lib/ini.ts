import { CofferError } from './errors.ts'

/** Name of the section that options without one belong to. */
export const DEFAULT_SECTION = 'DEFAULT'

/** Sections, their keys, and of each key every value in order: for most options the last one counts. */
export type Ini = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>

/**
 * Reads the configuration format of OpenStack's services (oslo.config; Trove contract §7.2). It differs from other INI
 * dialects: no inline comments, continued lines, quotes around a whole value taken off, sections in any case but `DEFAULT`.
 *
 * @param file named in errors
 * @throws CofferError INI_BROKEN naming file and line
 */
export function parseIni(text: string, file: string): Ini {
  const sections = new Map<string, Map<string, string[][]>>()
  let keys: Map<string, string[][]> | undefined
  /** Lines of the value that the next line may continue. */
  let value: string[] | undefined
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.trimEnd()
    const broken = (reason: string) =>
      new CofferError('INI_BROKEN', `${file}, line ${index + 1}: ${reason}`, {
        hint: 'Lines are [section], option = value, comments that start with # or ;, or continue a value after white space.',
      })
    if (/^[ \t]/.test(line)) {
      if (value === undefined) throw broken('a line that starts with white space continues nothing')
      value.push(line.trimStart())
      continue
    }
    value = undefined
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    if (line.startsWith('[')) {
      if (!line.endsWith(']')) throw broken('the section has no closing bracket')
      const name = sectionName(line.slice(1, -1))
      if (name === '') throw broken('the section has no name')
      keys = sections.get(name) ?? new Map()
      sections.set(name, keys)
      continue
    }
    const at = line.search(/[:=]/)
    if (at === -1) throw broken('there is neither = nor : after the name of an option')
    const key = line.slice(0, at).trimEnd()
    if (key === '') throw broken('the option has no name')
    if (keys === undefined) throw broken(`option ${key} stands before the first section`)
    value = [withoutQuotes(line.slice(at + 1).trim())]
    keys.set(key, [...(keys.get(key) ?? []), value])
  }
  return new Map(
    [...sections].map(([name, options]) => [
      name,
      new Map([...options].map(([key, values]) => [key, values.map((lines) => lines.join('\n'))])),
    ]),
  )
}

/** How a section is stored: `[MySQL]` and `[mysql]` are one, `[default]` is not `[DEFAULT]`. */
export function sectionName(name: string): string {
  return name === DEFAULT_SECTION ? name : name.toLowerCase()
}

/**
 * Puts other options' values in place of `$name`, `${name}` and `${section.name}`; `$$` and `\$` are a dollar. Any other
 * dollar stays, also one before a name that `lookup` does not know: passwords have those.
 *
 * @param lookup `section` is undefined when the reference names none
 */
export function substitute(
  value: string,
  lookup: (name: string, section: string | undefined) => string | undefined,
): string {
  if (!value.includes('$')) return value
  const reference = /\$(?:(\$)|([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})/gi
  return value
    .replaceAll('\\$', '$$$$')
    .replace(reference, (whole, dollar, bare?: string, braced?: string) => {
      if (dollar !== undefined) return '$'
      const name = bare ?? braced ?? ''
      const dot = name.indexOf('.')
      const found = dot === -1 ? lookup(name, undefined) : lookup(name.slice(dot + 1), name.slice(0, dot))
      return found ?? whole
    })
}

/** A boolean as oslo.config reads it; undefined for any other word. */
export function iniBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase()
  if (['true', 'yes', 'on', '1'].includes(word)) return true
  if (['false', 'no', 'off', '0'].includes(word)) return false
  return undefined
}

/** Values with commas between. */
export function iniList(text: string): readonly string[] {
  return text.trim() === '' ? [] : text.split(',').map((item) => item.trim())
}

function withoutQuotes(value: string): string {
  const [first] = value
  const quoted = (first === '"' || first === "'") && value.endsWith(first)
  return quoted ? value.slice(1, -1) : value
}
