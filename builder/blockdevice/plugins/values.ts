import { configError } from '../errors.ts'
import { pythonText } from '../python-text.ts'
import type { EntryValues } from '../types.ts'

/** A value as text: numbers as written, anything else but text refused. Undefined when the key is missing or null. */
export function textValue(values: EntryValues, key: string): string | undefined {
  const value = values[key]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw configError(`The value of '${key}' is not text: ${pythonText(value)}`)
}

/** A value that must be there; `message` is DIB's for its absence. */
export function requiredText(values: EntryValues, key: string, message: string): string {
  const value = textValue(values, key)
  if (value === undefined) throw configError(message)
  return value
}

/** A list of words: a YAML list, or one text that is split at white space. Empty when missing. */
export function wordList(values: EntryValues, key: string): string[] {
  const value = values[key]
  if (Array.isArray(value)) return value.map((word) => pythonText(word))
  return (textValue(values, key) ?? '').split(/\s+/).filter((word) => word !== '')
}

/** A whole number such as `fsck-passno`. */
export function countValue(values: EntryValues, key: string, fallback: number): number {
  const text = textValue(values, key)
  if (text === undefined) return fallback
  if (!/^\d+$/.test(text)) throw configError(`The value of '${key}' is not a whole number: ${text}`)
  return Number(text)
}
