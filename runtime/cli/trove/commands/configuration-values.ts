import { CofferError } from '../../../../lib/errors.ts'
import { isObject } from '../output/fields.ts'
import { parseJson, writeJson } from '../output/json.ts'
import type { Json, JsonObject } from './types.ts'

/**
 * The values of a configuration group as typed.
 *
 * @throws CofferError `VALUES_INVALID`
 */
export function valuesOf(typed: string): JsonObject {
  const values = parsed(typed)
  if (isObject(values)) return values
  throw invalid('they are not an object')
}

function parsed(typed: string): Json {
  try {
    return parseJson(typed)
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error))
  }
}

function invalid(reason: string): CofferError {
  return new CofferError('VALUES_INVALID', `The values must be a JSON object: ${reason}`, {
    hint: 'quote them for the shell: \'{"max_connections": 200}\'',
  })
}

/** A configuration group with its values written out, blanks as in the book: `{"a": 1, "b": 2}`. */
export function configurationTable(group: JsonObject): JsonObject {
  const { values } = group
  if (!isObject(values)) return group
  const pairs = Object.entries(values).map(([name, value]) => `${writeJson(name)}: ${writeJson(value)}`)
  return { ...group, values: `{${pairs.join(', ')}}` }
}
