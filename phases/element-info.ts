import { stringify } from 'yaml'
import { quoteWord } from '../lib/quote.ts'
import type { Element } from './elements.ts'
import { compareBytes } from './order.ts'

/** What a build tells scripts about its elements (DIB contract §1.5, §2). */
export interface ElementInfo {
  /** To be exported to every phase. */
  readonly variables: { readonly IMAGE_ELEMENT: string; readonly IMAGE_ELEMENT_YAML: string }
  /** What `get_image_element_array` prints: `[name]=path [name2]=path2 `. */
  readonly array: string
  /** That function as bash keeps exported ones: the value of `BASH_FUNC_get_image_element_array%%`. Outside only. */
  readonly function: string
  /** What `element-info --env` prints: shell text to be evaluated. */
  readonly text: string
}

/**
 * The variables, the function and the `--env` text for the elements of a build, in their order.
 *
 * @param elements as `resolveElements` gives them
 */
export function elementInfoEnvironment(elements: readonly Pick<Element, 'name' | 'path'>[]): ElementInfo {
  const names = elements.map((element) => element.name).join(' ')
  const sorted = [...elements].sort((a, b) => compareBytes(a.name, b.name))
  const yaml = stringify(Object.fromEntries(sorted.map(({ name, path }) => [name, path])), { lineWidth: 0 })
  // Scripts evaluate the text as the inside of a bash array, so an unusual path must be one word of it.
  const array = elements.map(({ name, path }) => `[${name}]=${quoteWord(path)} `).join('')
  const body = `{\n  echo "${array.replace(/["\\$`]/g, '\\$&')}"\n}`
  return {
    variables: { IMAGE_ELEMENT: names, IMAGE_ELEMENT_YAML: yaml },
    array,
    function: `() ${body}`,
    text: [
      `export IMAGE_ELEMENT='${inSingleQuotes(names)}'`,
      `export IMAGE_ELEMENT_YAML='${inSingleQuotes(yaml)}'`,
      `function get_image_element_array ${body};`,
      'export -f get_image_element_array;',
      '',
    ].join('\n'),
  }
}

function inSingleQuotes(text: string): string {
  return text.replaceAll("'", `'\\''`)
}
