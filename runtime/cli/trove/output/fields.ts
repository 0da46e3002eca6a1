import type { Json, JsonObject } from '../commands/types.ts'

/** True for `{…}`. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object under a name; an empty one when something else is there. */
export function child(object: JsonObject, name: string): JsonObject {
  const value = object[name]
  return isObject(value) ? value : {}
}

/** The objects of a list; none when something else is there. */
export function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** A text that is not empty. */
export function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** An id or a name: text or a number, as text. */
export function word(value: Json | undefined): string | undefined {
  return typeof value === 'number' ? String(value) : text(value)
}
