import { CofferError } from '../../lib/errors.ts'
import { outputFormats } from './formats.ts'

/**
 * Reads `-t` and `-o`. With exactly one type, a suffix `.<type>` of the name is dropped; with several it stays (DIB
 * contract §5). Empty words and repetitions in the list are dropped.
 *
 * @throws CofferError `OUTPUT_TYPE_INVALID` for a list without types, or a word that could not be one
 */
export function parseTypes(list: string, name: string): { types: string[]; imageName: string } {
  const types = [...new Set(list.split(','))].filter((word) => word !== '')
  // The word becomes part of a file name and of a command line.
  const odd = types.find((word) => !/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(word))
  const [only, ...others] = types
  if (only === undefined || odd !== undefined) {
    const what =
      odd === undefined ? 'names no output format' : `names an output format that cannot exist: ${odd}`
    throw new CofferError('OUTPUT_TYPE_INVALID', `-t ${what}`, {
      hint: `Use one or more of ${[...outputFormats.keys()].join(', ')}, separated by commas.`,
    })
  }
  const single = others.length === 0 && name.endsWith(`.${only}`)
  return { types, imageName: single ? name.slice(0, -only.length - 1) : name }
}
