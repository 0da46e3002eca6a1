import { CofferError } from '../../../../lib/errors.ts'
import type { Arguments, Grammar, OptionSpec, PositionalSpec } from './types.ts'

/** The words of a command line, sorted into values; and what stands behind the place where reading stopped. */
export interface Parsed {
  readonly args: Arguments
  readonly rest: readonly string[]
}

/**
 * Reads a command line by the rules that users of the Python clients have in their fingers: options and words in any order,
 * `--opt value` and `--opt=value`, long options shortened to a unique beginning, `-` and `_` alike inside a name, `--` before
 * words that begin with a dash, numbers below zero as words.
 *
 * @param stopAtWord read up to the first word that is no option, which `rest` then begins with: how the options before a
 *   subcommand are read.
 * @throws CofferError `USAGE` with argparse's own sentences, which scripts know.
 */
export function parseArguments(grammar: Grammar, argv: readonly string[], stopAtWord = false): Parsed {
  const values = new Map<string, string[]>()
  const words: string[] = []
  const unknown: string[] = []
  let at = 0
  let onlyWords = false
  for (; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (onlyWords || !looksLikeOption(word)) {
      if (stopAtWord) break
      words.push(word)
    } else if (word === '--') {
      onlyWords = true
    } else {
      at = takeOption(word, at)
    }
  }

  function takeOption(word: string, place: number): number {
    const equals = word.indexOf('=')
    const name = equals < 0 ? word : word.slice(0, equals)
    const spec = findOption(name, grammar.options)
    if (spec === undefined) {
      unknown.push(word)
      return place
    }
    const key = keyOf(spec)
    const found = values.get(key) ?? []
    if (spec.takes === 'flag') {
      if (equals >= 0)
        throw usage(`argument ${spec.names.join('/')}: ignored explicit argument '${word.slice(equals + 1)}'`)
      values.set(key, ['true'])
      return place
    }
    if (equals >= 0) {
      values.set(key, spec.takes === 'each' ? [...found, word.slice(equals + 1)] : [word.slice(equals + 1)])
      return place
    }
    const following = valuesAfter(spec, place)
    values.set(key, spec.takes === 'each' ? [...found, ...following] : following)
    return place + following.length
  }

  function valuesAfter(spec: OptionSpec, place: number): string[] {
    const most = spec.takes === 'many' ? argv.length : 1
    const following: string[] = []
    for (const value of argv.slice(place + 1)) {
      if (following.length === most || looksLikeOption(value)) break
      following.push(value)
    }
    if (following.length === 0) {
      const expected = spec.takes === 'many' ? 'at least one argument' : 'one argument'
      throw usage(`argument ${spec.names.join('/')}: expected ${expected}`)
    }
    return following
  }

  const extra = stopAtWord ? [] : assign(grammar.positionals, words, values)
  unknown.push(...extra)
  if (unknown.length > 0) throw usage(`unrecognized arguments: ${unknown.join(' ')}`, true)
  return { args: argumentsOf(values), rest: argv.slice(at) }
}

/** The name under which a command asks for an option. */
export function keyOf(spec: OptionSpec): string {
  return (spec.names[0] ?? '').replace(/^-+/, '').replaceAll('-', '_')
}

function looksLikeOption(word: string): boolean {
  const name = word.split('=', 1)[0] ?? ''
  return word.startsWith('-') && word !== '-' && !name.includes(' ') && !/^-\d+(\.\d*)?$/.test(word)
}

/** @throws CofferError `USAGE` when a shortened name fits several options. */
function findOption(name: string, options: readonly OptionSpec[]): OptionSpec | undefined {
  const typed = name.replaceAll('_', '-')
  const spelled = (option: OptionSpec) => option.names.map((candidate) => candidate.replaceAll('_', '-'))
  const exact = options.find((option) => spelled(option).includes(typed))
  if (exact !== undefined || !name.startsWith('--')) return exact
  const near = options.filter((option) => spelled(option).some((candidate) => candidate.startsWith(typed)))
  if (near.length > 1) {
    const could = near.flatMap(({ names }) =>
      names.filter((each) => each.replaceAll('_', '-').startsWith(typed)),
    )
    throw usage(`ambiguous option: ${name} could match ${could.join(', ')}`)
  }
  return near[0]
}

/** Gives words to positionals in order; returns the words that nothing takes. */
function assign(
  positionals: readonly PositionalSpec[],
  words: readonly string[],
  values: Map<string, string[]>,
): readonly string[] {
  let left = words
  for (const positional of positionals) {
    const taken = left.slice(0, positional.many === true ? left.length : 1)
    if (taken.length > 0) values.set(positional.name, taken)
    left = left.slice(taken.length)
  }
  const missing = positionals.filter(({ name, optional }) => optional !== true && !values.has(name))
  if (missing.length > 0) {
    throw usage(`the following arguments are required: ${missing.map(({ name }) => `<${name}>`).join(', ')}`)
  }
  return left
}

function argumentsOf(values: ReadonlyMap<string, readonly string[]>): Arguments {
  const maybe = (name: string) => values.get(name)?.at(-1)
  return {
    maybe,
    one: (name) => {
      const value = maybe(name)
      if (value === undefined) throw usage(`the following arguments are required: <${name}>`)
      return value
    },
    many: (name) => values.get(name) ?? [],
    has: (name) => values.has(name),
  }
}

/** A mistake on the command line. `unrecognized` ones are reported under the whole program's usage, as argparse does. */
export class UsageError extends CofferError {
  readonly unrecognized: boolean
  constructor(message: string, unrecognized: boolean, hint?: string) {
    super('USAGE', message, { exitCode: 2, ...(hint === undefined ? {} : { hint }) })
    this.unrecognized = unrecognized
  }
}

function usage(message: string, unrecognized = false): UsageError {
  return new UsageError(message, unrecognized)
}
