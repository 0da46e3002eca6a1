import { parse } from 'yaml'
import { CofferError } from '../../lib/errors.ts'

/**
 * Reads YAML the way PyYAML does, which elements were written for: version 1.1 (`yes` and `on` are true), and a key that
 * stands twice keeps its last value.
 *
 * @param source the file's name, for the error.
 * @throws CofferError `YAML_INVALID`
 */
export function parseYaml(text: string, source: string): unknown {
  try {
    return parse(text, { version: '1.1', uniqueKeys: false, logLevel: 'error' })
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new CofferError('YAML_INVALID', `${source} is not valid YAML: ${reason}`, {
      hint: 'Correct the file; a YAML linter shows the place.',
      cause: error,
    })
  }
}
