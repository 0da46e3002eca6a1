import { CofferError } from './errors.ts'

/** What an option takes: nothing, or an argument. */
export interface OptionSpec {
  /** Names with their dashes: `-a`, `--image-size`. */
  readonly names: readonly string[]
  readonly argument: boolean
}

/** One option as found on a command line, under the first name of its spec. */
export interface FoundOption {
  readonly name: string
  readonly value: string
}

/** The options in their order, and the remaining words. */
export interface ParsedCommandLine {
  readonly options: readonly FoundOption[]
  readonly words: readonly string[]
}

/**
 * Reads a command line as util-linux `getopt` does: options and words in any order, `--` ends the options, long options
 * may be shortened to a unique prefix, `--opt value`, `--opt=value`, `-o value`, `-ovalue` and bundled flags (`-xu`).
 *
 * @throws CofferError `OPTION_INVALID` with getopt's own message.
 */
export function getopt(
  program: string,
  args: readonly string[],
  specs: readonly OptionSpec[],
): ParsedCommandLine {
  const options: FoundOption[] = []
  const words: string[] = []
  const rest = [...args]
  const refuse = (text: string) =>
    new CofferError('OPTION_INVALID', `${program}: ${text}`, { hint: `See ${program} --help` })
  const primary = (spec: OptionSpec): string => spec.names[0] ?? ''

  const long = (word: string): void => {
    const equals = word.indexOf('=')
    const given = equals < 0 ? word : word.slice(0, equals)
    const spec = findLong(given, specs, refuse)
    if (!spec.argument) {
      if (equals >= 0) throw refuse(`option '${given}' doesn't allow an argument`)
      options.push({ name: primary(spec), value: '' })
      return
    }
    const value = equals >= 0 ? word.slice(equals + 1) : rest.shift()
    if (value === undefined) throw refuse(`option '${given}' requires an argument`)
    options.push({ name: primary(spec), value })
  }

  const short = (word: string): void => {
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] ?? ''
      const spec = specs.find((candidate) => candidate.names.includes(`-${letter}`))
      if (spec === undefined) throw refuse(`invalid option -- '${letter}'`)
      if (!spec.argument) {
        options.push({ name: primary(spec), value: '' })
        continue
      }
      const value = at + 1 < word.length ? word.slice(at + 1) : rest.shift()
      if (value === undefined) throw refuse(`option requires an argument -- '${letter}'`)
      options.push({ name: primary(spec), value })
      return
    }
  }

  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      words.push(...rest)
      break
    }
    if (word.startsWith('--')) long(word)
    else if (word.startsWith('-') && word !== '-') short(word)
    else words.push(word)
  }
  return { options, words }
}

function findLong(
  given: string,
  specs: readonly OptionSpec[],
  refuse: (text: string) => CofferError,
): OptionSpec {
  const exact = specs.find((spec) => spec.names.includes(given))
  if (exact !== undefined) return exact
  const close = specs.filter((spec) =>
    spec.names.some((name) => name.startsWith('--') && name.startsWith(given)),
  )
  const [only] = close
  if (only === undefined) throw refuse(`unrecognized option '${given}'`)
  if (close.length > 1) {
    const names = close.flatMap((spec) => spec.names.filter((name) => name.startsWith(given)))
    throw refuse(
      `option '${given}' is ambiguous; possibilities: ${names.map((name) => `'${name}'`).join(' ')}`,
    )
  }
  return only
}
