import { parse, type ScalarTag, type Tags } from 'yaml'

/**
 * Reads YAML as DIB's library does: version 1.1 (`yes` is true, `0x10` is 16), but a bare `y` or `n` is text, and of equal
 * keys the last one counts.
 *
 * @throws YAMLParseError
 */
export function readDibYaml(text: string): unknown {
  return parse(text, { version: '1.1', uniqueKeys: false, merge: true, customTags: wordsOnly }) as unknown
}

const TRUE_WORDS = /^(?:[Yy]es|YES|[Tt]rue|TRUE|[Oo]n|ON)$/
const FALSE_WORDS = /^(?:[Nn]o|NO|[Ff]alse|FALSE|[Oo]ff|OFF)$/

function wordsOnly(tags: Tags): Tags {
  return tags.map((tag): Tags[number] => {
    if (typeof tag !== 'object' || tag.tag !== 'tag:yaml.org,2002:bool' || !('test' in tag)) return tag
    return { ...tag, test: tag.test?.test('yes') === true ? TRUE_WORDS : FALSE_WORDS } as ScalarTag
  })
}
