import { configError } from './errors.ts'
import { pythonText } from './python-text.ts'
import { isMapping } from './types.ts'

/** The values of a plugin key, which must be a mapping. Also used for nested plugins. */
export function entryValues(plugin: string, values: unknown): Record<string, unknown> {
  if (!isMapping(values)) {
    throw configError(`The values of '${plugin}' are not a dict: ${pythonText(values)}`)
  }
  return values
}
