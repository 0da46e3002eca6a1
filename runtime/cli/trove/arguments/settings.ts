import { keyOf } from './parse.ts'
import type { Arguments, OptionSpec } from './types.ts'

/** The options before the subcommand, with what the environment says in their place. */
export interface GlobalSettings {
  readonly text: (name: string) => string | undefined
  readonly flag: (name: string) => boolean
}

/** Joins options and variables: an option wins, then the first variable that is set and not empty. */
export function globalSettings(
  specs: readonly OptionSpec[],
  args: Arguments,
  env: Readonly<Record<string, string | undefined>>,
): GlobalSettings {
  const variables = new Map(specs.map((spec) => [keyOf(spec), spec.env ?? []]))
  const text = (name: string) =>
    args.maybe(name) ??
    (variables.get(name) ?? [])
      .map((variable) => env[variable])
      .find((value) => value !== undefined && value !== '')
  return {
    text,
    flag: (name) => /^(1|t|true|y|yes|on)$/i.test(text(name) ?? ''),
  }
}
