import { parse, type ScalarTag, type Tags } from 'yaml'
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
    return parse(text, { version: '1.1', uniqueKeys: false, logLevel: 'error', customTags: withWordBooleans })
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new CofferError('YAML_INVALID', `${source} is not valid YAML: ${reason}`, {
      hint: 'Correct the file; a YAML linter shows the place.',
      cause: error,
    })
  }
}

/** YAML 1.1 also has `y` and `n`; PyYAML does not read them as booleans. */
const wordBoolean: ScalarTag = {
  identify: (value) => typeof value === 'boolean',
  default: true,
  tag: 'tag:yaml.org,2002:bool',
  test: /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON|no|No|NO|false|False|FALSE|off|Off|OFF)$/,
  resolve: (text) => /^(?:yes|true|on)$/i.test(text),
}

function withWordBooleans(tags: Tags): Tags {
  return [...tags.filter((tag) => typeof tag === 'string' || tag.tag !== wordBoolean.tag), wordBoolean]
}
