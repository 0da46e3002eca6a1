/** A word that a command takes by its place. */
export interface PositionalSpec {
  /** As in the usage line, without the angle brackets. */
  readonly name: string
  readonly help: string
  /** Takes all remaining words, at least one. Only for the last positional. */
  readonly many?: boolean
  readonly optional?: boolean
}

/** What follows an option: nothing, one word, all words up to the next option, or one word each time it is given. */
export type Takes = 'flag' | 'one' | 'many' | 'each'

/** An option with its dashes. `_` and `-` inside a name are the same when it is typed. */
export interface OptionSpec {
  readonly names: readonly string[]
  readonly takes: Takes
  /** Shown in the usage line for what follows, with its brackets. */
  readonly metavar?: string
  readonly help: string
  /** Variables that give the value when the option is absent, the first one set wins. Only for options before the subcommand. */
  readonly env?: readonly string[]
  /** Not in the client of OpenStack. */
  readonly ours?: boolean
}

/** What was found on a command line. Options are asked for by their first name without dashes, with `_` for `-`. */
export interface Arguments {
  /** The value of a required positional. */
  readonly one: (name: string) => string
  /** The value of an option, or of an optional positional. */
  readonly maybe: (name: string) => string | undefined
  /** All values, none when absent. */
  readonly many: (name: string) => readonly string[]
  readonly has: (name: string) => boolean
}

/** What parsing starts from. */
export interface Grammar {
  readonly positionals: readonly PositionalSpec[]
  readonly options: readonly OptionSpec[]
}
